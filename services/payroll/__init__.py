"""Payroll: what does attendance cost? Prices days by the policy of their date and keeps the ledger of TPP deductions.

Consumes: topics.DAY_ASSESSED, topics.DISCIPLINE (decided cuts); as references topics.POLICY, topics.EMPLOYEE
Produces: topics.DEDUCTION, topics.TPP_MONTH, topics.CEILING
Owns:     the employee-month, the append-only deduction ledger, TPP ceilings, month closes
Decides:  rules.price, rules.fold, rules.restate, rules.close
"""
