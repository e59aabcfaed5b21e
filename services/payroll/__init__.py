"""Payroll: what does attendance cost? Prices days by the policy of their date and keeps the ledger of TPP deductions.

Consumes: hadir.day.assessed.v1, hadir.policy.v1, hadir.employee.v1
Produces: hadir.tpp.deduction.v1, hadir.tpp.month.v1, hadir.tpp.ceiling.v1, hadir.payroll.audit.v1, hadir.payroll.dead-letter.v1
Owns:     the employee-month, the append-only deduction ledger, TPP ceilings, month closes
Decides:  rules.price, rules.fold, rules.restate, rules.close
"""
