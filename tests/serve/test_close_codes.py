import re
from pathlib import Path

from lipstream.errors import LipstreamError
from lipstream.serve.status import STATUSES, Status

PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"


def test_the_table_in_the_guide_has_every_close_code_that_an_error_becomes() -> None:
    rows = re.findall(r"^\| (4\d{3}) \| `(\w+)` \|", PROTOCOL.read_text(), re.MULTILINE)
    told = [Status(code, http, "") for kind, code, http in STATUSES if issubclass(kind, LipstreamError)]
    assert len(set(rows)) == len(rows)
    assert set(rows) == {(str(one.websocket), one.grpc.name.lower()) for one in told} | {("4500", "internal")}
