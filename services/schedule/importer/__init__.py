"""Imports of reference data from officers' files: all row errors at once, a preview of the differences, nothing half-applied."""

from services.schedule.importer.apply import (
    import_calendar,
    import_employees,
    import_org_units,
    import_policies,
    import_roster,
    import_weeks,
)

__all__ = ["import_calendar", "import_employees", "import_org_units", "import_policies", "import_roster", "import_weeks"]
