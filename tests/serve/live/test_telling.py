import asyncio

import pytest
from fake_session import FakeSession, FakeTime, frame

from lipstream.errors import InputError
from lipstream.pipeline.session import FROM_MICROPHONE
from lipstream.serve.live.telling import StatsTeller, first


def test_of_several_that_end_together_what_went_wrong_is_raised() -> None:
    async def ends() -> str:
        return "it left"

    async def fails() -> str:
        raise InputError("no sound")

    async def goes_on() -> str:
        await asyncio.Event().wait()
        return "never"

    async def test() -> None:
        assert await first(goes_on(), ends()) == "it left"
        for ways in ((ends(), fails()), (fails(), ends())):
            with pytest.raises(InputError, match="no sound"):
                await first(goes_on(), *ways)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(test())


def test_stats_are_said_after_a_second_with_the_rate_since_the_last() -> None:
    async def test() -> None:
        time, session = FakeTime(), FakeSession(FROM_MICROPHONE)
        stats = StatsTeller(session.session, time.now_ms)
        for seconds, frames in ((1, 20), (2, 25)):
            for number in range(frames):
                session.coming.put_nowait(frame(number))
                await anext(aiter(session))
            time.ms += 999 * seconds
            assert seconds == 2 or stats.due(skipped_pictures=0, behind_ms=0) is None
            time.ms += seconds
            said = stats.due(skipped_pictures=3, behind_ms=1.6)
            assert said is not None
            assert (said.frame_rate, said.skipped_pictures, said.behind_ms) == (frames / seconds, 3, 2)

    asyncio.run(test())
