"""Pages on a telephone: nothing has to be scrolled sideways."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.browser.conftest import Person

Somebody = Callable[..., Person]
JOBS = False
PAGES = {
    "student": """/home /positions /profile /market /market/3/positions /practice /practice/logs /training /training/3
        /enrolments /enrolments/2 /credits /destination /messages""",
    "enterprise": """/home /positions/new /market/3/candidates /placements /organisation /enterprises/1 /messages
        /practice/waiting /training/new /enrolments /practice/logs""",
    "university": """/home /students /students/1 /cohorts /cohorts/asked?competency=platform_ops /destinations
        /practice/confirming /credits/record /practice/rules /training""",
    "chamber": """/home /rounds/new /rounds/1 /rounds/1/runs /organisations /organisations/1 /reports /market-figures
        /market-figures/try /practice/overdue /ledger /ledger/accounts/2""",
    "zone": "/home /training /practice/waiting",
    "government": "/home /gap /gap/outcomes",
    "administrator": "/home /people /audit /competencies",
}


def test_the_pages_of_each_role_fit_a_telephone(somebody: Somebody) -> None:
    for role, paths in PAGES.items():
        person = somebody(390)
        person.sign_in(f"{role}@demo.example")
        for path in paths.split():
            person.go(path)
            assert person.fits_the_window(), f"{path} is too wide for {role}'s telephone"
        person.page.get_by_role("button", name="菜单", exact=True).click()
        person.page.get_by_role("link", name="能力目录").click()
        person.page.wait_for_url(re.compile("/competencies"))
