import pytest

pytest.register_assert_rewrite("tests.browser.chromium", "tests.browser.page_checks")
