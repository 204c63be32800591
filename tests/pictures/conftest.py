"""A browser for the tests of pages."""

import shutil

import pytest

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Chromium without a window, driven by selenium; its console is in ``get_log("browser")``."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="pip install 'micrograd_np[browser]' brings selenium")
    program, server = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or server is None:
        pytest.skip("Chromium or its driver is not on the path: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}", "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(server))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium):
    """The same browser, at its full width in light colours, with an empty page and an empty console."""
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.get_log("browser")
    return chromium
