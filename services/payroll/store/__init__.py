"""All SQL of payroll: employee-months and their ledger, ceilings, month closes, and the reference data it reads."""
