-- Steps and reports of a month read everybody's rows of it, under all lanes for a signature; neither column of a row ever changes.
create index month_by_month on month (month, employee_id);
