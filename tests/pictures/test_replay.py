"""Claims about the replay page, in a real browser: it moves, it tells its numbers, and no markup runs."""

import re

import numpy as np
import pytest

from micrograd_np import data, nn, optim, random
from micrograd_np.training import History, Record, fit

pytestmark = pytest.mark.browser
CUT = """return [...document.querySelectorAll('svg[role=img] text')].filter(t => {
    const a = t.getBoundingClientRect(), b = t.closest('svg').getBoundingClientRect();
    return a.left < b.left - 0.5 || a.right > b.right + 0.5 || a.bottom > b.bottom + 0.5
}).map(t => t.textContent)"""
LETTERS = """return [...document.querySelectorAll('svg[role=img] text')].map(
    t => parseFloat(getComputedStyle(t).fontSize) * Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b))"""
MARKUP = "<b onclick=alert(1)>loss</script><i>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page of a run whose names hold harmless markup."""
    path = tmp_path_factory.mktemp("replay") / "run.html"
    x, y = data.moons(60, generator=np.random.default_rng(0))
    random.manual_seed(0)  # fixtures of a module begin before the seed that each test has
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh())
    model.add_module("<i>last&amp;\0", nn.Linear(8, 2))
    batches = data.DataLoader(data.TensorDataset(x, y), 20)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    metrics = {MARKUP: lambda p, t: 0.25, "accuracy": lambda p, t: 0.5}
    with pytest.MonkeyPatch.context() as patch:
        for share in ("_STOPS", "_SHARE"):
            patch.setattr(f"micrograd_np.training.record.{share}", float("inf"))  # every epoch, as if they took hours
        fit(
            model, nn.CrossEntropyLoss(), optimizer, batches, epochs=6, validation=batches, metrics=metrics,
            record=Record(model, path, (x, y)), progress=False,
        )  # fmt: skip
    return path


@pytest.fixture
def replay(browser, page):
    browser.get(page.as_uri())
    yield browser
    assert browser.get_log("browser") == []  # no errors, and nothing that the content policy had to stop


def text(browser, selector):
    return browser.execute_script("return document.querySelector(arguments[0]).textContent", selector)


def press(browser, key):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(browser).send_keys(getattr(Keys, key)).perform()


def test_keys_and_buttons_go_through_the_epochs(replay):
    assert text(replay, "#count") == "6 of 6"
    press(replay, "HOME")
    assert text(replay, "#count") == "0 of 6"
    for key in ("ARROW_RIGHT", "ARROW_RIGHT", "ARROW_LEFT"):
        press(replay, key)
    assert text(replay, "#count") == "1 of 6"
    replay.find_element("id", "next").click()
    replay.find_element("id", "next").click()
    replay.find_element("id", "previous").click()
    assert text(replay, "#count") == "2 of 6"
    replay.execute_script("document.getElementById('slider').focus()")
    press(replay, "ARROW_RIGHT")
    assert text(replay, "#count") == "3 of 6"
    assert replay.find_element("id", "slider").get_attribute("aria-valuetext") == "epoch 3 of 6"


def test_playing_goes_on_to_the_end_and_stops(replay):
    from selenium.webdriver.support.wait import WebDriverWait

    replay.find_element("id", "play").click()
    assert text(replay, "#play") == "Pause"
    WebDriverWait(replay, 10).until(lambda b: text(b, "#play") == "Play" and text(b, "#count") == "6 of 6")


def test_a_screen_reader_is_told_the_numbers(replay):
    press(replay, "HOME")
    assert text(replay, "#say").startswith("Epoch 0 of 6: loss not measured yet")
    press(replay, "END")
    assert "accuracy 0.5" in text(replay, "#say")
    labels = replay.execute_script("return [...document.querySelectorAll('svg[role=img]')].map(s => s.ariaLabel)")
    assert labels[0].startswith("Loss over the epochs")
    assert "class 0 on" in labels[-1]


def test_the_picture_of_the_plane_changes_with_the_epoch(replay):
    last = replay.execute_script("return document.querySelector('.region').getAttribute('d')")
    press(replay, "HOME")
    assert replay.execute_script("return document.querySelector('.region').getAttribute('d')") != last


def test_markup_in_names_is_shown_as_text(replay):
    shown = text(replay, "main")
    assert MARKUP in shown
    assert "<i>last&amp;␀ Linear" in shown
    assert replay.execute_script("return document.querySelectorAll('b, i').length") == 0


def series(path, losses, scale=1.0, every=False):
    """A page of a run with these losses, over inputs of this size."""
    x, y = data.moons(20, generator=np.random.default_rng(0))
    record, history = Record(nn.Linear(2, 2), path, (x * scale, y)), History()
    record.begin(history)
    for loss in losses:
        history.add({"loss": loss})
        if every:
            record.add(history)
    record.close(history)
    return path.as_uri()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ((2.4e-6, 2.1e-6, 1.9e-6), 1e-7), ((2.4e10, 2.1e10), 1e9), ((5e-5, 1e-5, 9e-5), 1.0), ((-1e-12, -2.5e-12), 3e4),
        ((1e-9, 1e12), 1.0), ((1234.0, 1235.0), 1e-3), ((0.0, 0.0), 1.0), ((float("nan"),), 1.0),
    ],
)  # fmt: skip
def test_the_labels_of_axes_are_whole_and_apart(browser, tmp_path, width, losses, scale):
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(series(tmp_path / "run.html", losses, scale))
    assert browser.execute_script(CUT) == []
    close = """return [...document.querySelectorAll('svg[role=img]')].flatMap(svg => {
        const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
        const within = (a, b, c, d) => a + 3 < d - 3 && c + 3 < b - 3;
        const meet = (r, s) => within(r.left, r.right, s.left, s.right) && within(r.top, r.bottom, s.top, s.bottom);
        return boxes.flatMap(([a, r], i) => boxes.slice(i + 1)
            .filter(([b, s]) => (a === b && Math.abs(r.right - s.right) < 1) || meet(r, s)).map(([b]) => [a, b]));
    })"""
    assert browser.execute_script(close) == []


def test_of_weights_that_are_no_numbers_no_range_is_told(browser, tmp_path):
    model, history = nn.Linear(2, 1), History()
    model.weight.data[...] = model.bias.data[...] = np.nan
    record = Record(model, tmp_path / "run.html")
    record.begin(history)
    history.add({"loss": float("nan")})
    record.close(history)
    browser.get((tmp_path / "run.html").as_uri())
    assert text(browser, "#scales") == "No weight is a number other than 0."


def test_the_border_between_regions_runs_where_the_model_is_undecided(browser, tmp_path):
    model = nn.Linear(2, 1)
    model.weight.data[...], model.bias.data[...] = [[1.0, 0.3]], -0.2
    x = np.array([[0.0, 0.0], [1.0, 1.0]])
    record, history = Record(model, tmp_path / "run.html", (x, np.array([0, 1]))), History()
    record.begin(history)
    record.close(history)
    browser.get((tmp_path / "run.html").as_uri())
    path = browser.execute_script("return document.querySelector('.edge').getAttribute('d')")
    found = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", path), float) / 31 * 1.24 - 0.12
    assert len(found) > 30
    np.testing.assert_allclose(found @ [1.0, 0.3], 0.2, atol=0.003)  # a tenth of what is between two points


def test_a_stop_without_a_plane_of_its_own_shows_the_last_one_and_says_of_which_epoch(browser, tmp_path, monkeypatch):
    monkeypatch.setattr("micrograd_np.training.record._STOPS", float("inf"))
    monkeypatch.setattr("micrograd_np.training.record._SHARE", 0.0)
    browser.get(series(tmp_path / "run.html", np.linspace(2, 1, 40), every=True))
    assert text(browser, "#plane-title") == "Predictions over the inputs"
    press(browser, "ARROW_LEFT")
    assert text(browser, "#count") == "39 of 40"
    assert text(browser, "#plane-title") == "Predictions over the inputs at epoch 0"
    press(browser, "HOME")
    assert text(browser, "#plane-title") == "Predictions over the inputs"


@pytest.mark.parametrize("width", [360, 390, 1280])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_nothing_is_wider_than_the_window_and_letters_have_12_pixels(replay, width, mode):
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    colour = {"features": [{"name": "prefers-color-scheme", "value": mode}]}
    replay.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    replay.execute_cdp_cmd("Emulation.setEmulatedMedia", colour)
    replay.refresh()
    assert replay.execute_script("return document.documentElement.scrollWidth") <= width
    assert replay.execute_script(CUT) == []
    letters = replay.execute_script(LETTERS)
    assert 12 <= min(letters) <= max(letters) <= 16
    paper = replay.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (mode == "light")
