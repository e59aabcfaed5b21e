"""Simulator: plays an invented province through the product's own front door and checks the ledger.

It knows what everybody intended to do, and so what every day must cost, by a plain arithmetic of its own
(`truth`): nothing of the product's rules is imported there, which is what makes "equal" mean something.

Consumes: topics.DEDUCTION, topics.TPP_MONTH (only to measure how long a check-in takes)
Produces: nothing; it sends HTTP requests as the phones do and imports files as the officers do
Owns:     nothing
Decides:  province.Province, behaviour.plan, truth.of_day, truth.of_month
"""
