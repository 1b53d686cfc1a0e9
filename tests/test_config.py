from pathlib import Path

import pytest

from lipstream.config import read_config
from lipstream.errors import InputError


def test_nothing_set_means_the_users_data_folder() -> None:
    config = read_config({})
    assert config.home == Path("~/.local/share/lipstream").expanduser()
    assert config.log == "warning"


def test_variables_decide() -> None:
    config = read_config({"LIPSTREAM_HOME": "/data/faces", "LIPSTREAM_LOG": "DEBUG", "XDG_DATA_HOME": "/elsewhere"})
    assert (config.home, config.log) == (Path("/data/faces"), "debug")


def test_the_data_folder_of_the_desktop_is_used() -> None:
    assert read_config({"XDG_DATA_HOME": "/elsewhere", "LIPSTREAM_HOME": ""}).home == Path("/elsewhere/lipstream")


@pytest.mark.parametrize("name", ["LIPSTREAM_HOME", "XDG_DATA_HOME"])
def test_a_home_of_nobody_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"Could not determine home .*set LIPSTREAM_HOME"):
        read_config({name: "~nobody-here/x"})


def test_another_level_is_refused() -> None:
    with pytest.raises(InputError, match="debug, info, warning, error"):
        read_config({"LIPSTREAM_LOG": "loud"})
