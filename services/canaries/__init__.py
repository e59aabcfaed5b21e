"""Canaries: invented employees whose truth is known live a day a minute through the running system, beside real people.

Sends:    check-ins to ingest over HTTP, as a phone does
Reads:    topics.CHECK_IN_LOCATED, topics.DAY_ASSESSED, topics.TPP_MONTH, as another system does
Writes:   their own clock, by schedule's command; their enrolment, by the importers that officers use
Decides:  truth.judged: was this day priced as it truly was?

They live by a clock of their own in the years 2001 to 2099 and have no TPP ceiling: payroll folds their percents, but
without a ceiling no line enters the ledger and no rupiah any total.
"""
