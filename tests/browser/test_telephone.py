"""Pages on a telephone: nothing has to be scrolled sideways."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.browser.conftest import Person

Somebody = Callable[..., Person]
JOBS = False
PAGES = {
    "student": """/home /positions /profile /market/3/positions /practice /training/3 /enrolments/2 /credits
        /destination /messages""",
    "enterprise": """/home /positions/new /market/3/candidates /placements /organisation /practice/waiting
        /training/new /enterprises/1""",
    "university": "/home /students/1 /cohorts /destinations /practice/confirming /credits/record /practice/rules",
    "chamber": """/home /rounds/new /rounds/1 /rounds/1/runs /organisations/1 /reports /market-figures
        /market-figures/try /ledger/accounts/2""",
    "government": "/home /gap /gap/outcomes",
    "administrator": "/people /audit /competencies",
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
