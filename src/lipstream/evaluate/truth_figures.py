"""A reconstruction in, its figures, plots and tables out: on finished pictures, and on the codes beside them."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lipstream.evaluate.contacts import Spoken, contact_figures, picture_closure_percent, rounding_table
from lipstream.evaluate.figures import Figure, Measured, Plot, Table, over_lags, over_seconds
from lipstream.evaluate.lips import LipCurves
from lipstream.evaluate.measures import correlation, found_percent, jitter, lag_curve, lag_frames, loudness, residual
from lipstream.evaluate.phones import SILENCE, frame_at, voiced_frames
from lipstream.evaluate.reconstruction import Reconstruction, Said, TruthRun
from lipstream.evaluate.repeatability import Repeated, change
from lipstream.evaluate.truth import TruthClip
from lipstream.evaluate.visemes import SHAPE, Tokens, confusion_table, tokens_of, viseme_figures, viseme_table
from lipstream.types import FRAME_MS, Float32

_WIDTH, _GAP, _PROTRUSION = SHAPE


def measured_truth(run: Reconstruction) -> Measured:
    """Everything that a folder of truth tells: pictures over the rendered clips, if any, codes over all.

    A figure that nothing was found for, such as closures where no p b m is said, is left out.
    """
    heard = [Spoken(one.clip.phones, one.codes) for one in run.said]
    known = [Spoken(one.clip.phones, one.clip.codes) for one in run.said]
    tokens = tokens_of((one.clip.phones, one.codes, one.clip.codes) for one in run.said)
    seen = [*picture_figures(run.heard, run.told), *landmark_figures(run.heard, run.repeated)] if run.heard else []
    figures = [
        *seen,
        *code_figures(run.said),
        *viseme_figures(tokens),
        *contact_figures("truth.", heard, "codes as heard"),
        *contact_figures("truth.known_", known, "known codes"),
    ]
    found = [figure for figure in figures if np.isfinite(figure.value)]
    return Measured(found, _plots(run.heard) if run.heard else [], _tables(run, tokens, heard, known))


def picture_figures(heard: Sequence[TruthRun], told: Sequence[TruthRun]) -> list[Figure]:
    """Figures over the frames of all rendered clips: from the sound (with the bars), and from the known codes."""
    lag = lag_frames(_lags(heard))
    closed = picture_closure_percent([(run.found.opening, run.clip.phones) for run in heard])
    found = found_percent([run.found.opening for run in heard])
    truly = picture_closure_percent([(run.true.opening, run.clip.phones) for run in heard])
    return [
        Figure("truth.opening_r", _r(heard, _opening), "from sound: opening on finished pictures against the truth"),
        Figure("truth.loudness_r", _r(heard, _loudness), "baseline: the sound's loudness in place of lips"),
        Figure("truth.voiced_opening_r", _r(heard, _opening, voiced=True), "opening over frames with speech only"),
        Figure("truth.voiced_loudness_r", _r(heard, _loudness, voiced=True), "baseline of these frames"),
        Figure("truth.lag_frames", lag, "frames by which the lips come after the truth"),
        Figure("truth.face_found_percent", found, "finished pictures in which a face is found; r is over these"),
        Figure("truth.width_r", _seen_r(heard, _width), "width of the mouth, finished against true pictures"),
        Figure("truth.protrusion_r", _seen_r(heard, _protrusion), "protrusion (guessed depth), the same way"),
        Figure("truth.mouth_psnr_db", _mean_psnr(heard), "from sound: mouth region against the truth, mean"),
        Figure("truth.told_opening_r", _r(told, _opening), "from the known codes: opening on finished pictures"),
        Figure("truth.told_mouth_psnr_db", _mean_psnr(told), "from the known codes: mouth region, mean"),
        Figure("truth.sharpness_percent", _sharpness_percent(heard), "sharpness of the mouth, share of the truth's"),
        Figure("truth.jitter_times", _jitter(heard), "second difference of the lips' points over the truth's"),
        Figure("truth.told_jitter_times", _jitter(told), "the same from the known codes"),
        Figure("truth.picture_closure_percent", closed, "finished pictures: p b m that close to a tenth of the vowels"),
        Figure("truth.true_picture_closure_percent", truly, "true pictures: the same by the same face model"),
    ]


def landmark_figures(runs: Sequence[TruthRun], repeated: Sequence[Repeated]) -> list[Figure]:
    """How far the face model itself can be trusted, in shares of the face's height."""
    true, known = _all([run.true.opening for run in runs]), _all([run.clip.opening_px for run in runs])
    first, encoded = _all([one.first for one in repeated]), _all([one.encoded for one in repeated])
    shifted = np.concatenate([one.shifted for one in repeated])
    outlines = [run.true.outline for run in runs]
    face = "% of the face's height"
    return [
        Figure("truth.landmark_r", correlation(true, known), "face model on the true pictures against what is known"),
        Figure("truth.landmark_error_percent", 100.0 * residual(true, known), f"its deviation from that, {face}"),
        Figure("truth.landmark_shift_percent", 100.0 * change(first, shifted), f"pictures moved by up to 1 px, {face}"),
        Figure("truth.landmark_jpeg_percent", 100.0 * change(first, encoded), f"pictures through JPEG, {face}"),
        Figure("truth.true_jitter_percent", 100.0 * jitter(outlines), f"second difference of the true lips, {face}"),
    ]


def code_figures(said: Sequence[Said]) -> list[Figure]:
    """How near the codes that were heard come to the known ones, over the frames of all clips."""
    heard, known = _all([one.codes for one in said]), _all([one.clip.codes for one in said])
    voiced = _voiced(one.clip for one in said)
    level = _all([loudness(one.clip.pcm, len(one.codes)) for one in said])
    minutes = len(known) * FRAME_MS / 60_000
    gap = f"lip_gap heard against the known one, over {minutes:.1f} minutes"
    return [
        Figure("truth.code_r", correlation(heard[:, _GAP], known[:, _GAP]), gap),
        Figure("truth.code_loudness_r", correlation(level, known[:, _GAP]), "baseline: loudness in place of lip_gap"),
        Figure("truth.voiced_code_r", correlation(heard[voiced, _GAP], known[voiced, _GAP]), "frames with speech only"),
        Figure("truth.voiced_code_loudness_r", correlation(level[voiced], known[voiced, _GAP]), "baseline of these"),
        Figure("truth.code_width_r", correlation(heard[:, _WIDTH], known[:, _WIDTH]), "the same of lip_width"),
        Figure("truth.code_protrusion_r", correlation(heard[:, _PROTRUSION], known[:, _PROTRUSION]), "of protrusion"),
    ]


def phone_table(said: Sequence[Said]) -> Table:
    """One row a phone: tokens, and gap, width and protrusion in their middles, heard, known and how far apart."""
    middles: dict[str, list[Float32]] = {}
    for one in said:
        for phone in one.clip.phones:
            frame = frame_at(phone.middle_ms, len(one.codes))
            pair = np.stack([one.codes[frame, SHAPE], one.clip.codes[frame, SHAPE]])
            middles.setdefault(phone.symbol, []).append(pair)
    rows: list[tuple[str | float, ...]] = []
    for symbol in sorted(middles, key=lambda name: (name == SILENCE, name)):
        pairs = np.stack(middles[symbol])
        apart = np.abs(pairs[:, 0] - pairs[:, 1]).mean(axis=0)
        heard, known = pairs.mean(axis=0)
        cells = [round(float(value), 3) for k in (1, 0, 2) for value in (heard[k], known[k], apart[k])]
        rows.append((symbol, len(pairs), *cells))
    header = tuple(f"{name}, {what}" for name in ("gap", "width", "protrusion") for what in ("heard", "known", "error"))
    return Table("Phones in their middles, mean codes", ("phone", "tokens", *header), tuple(rows))


def _tables(run: Reconstruction, tokens: Tokens, heard: Sequence[Spoken], known: Sequence[Spoken]) -> list[Table]:
    return [viseme_table(tokens), confusion_table(tokens), phone_table(run.said), rounding_table(heard, known)]


def _plots(heard: Sequence[TruthRun]) -> list[Plot]:
    plots = []
    for number, one in enumerate(heard, start=1):
        title = f"Opening, clip {number} of the known truth, share of the face's height"
        curves = {"finished pictures": one.found.opening, "true pictures": one.true.opening}
        plots.append(over_seconds(title, curves))
    return [*plots, over_lags("Known truth: r of the opening by lag", _lags(heard))]


def _opening(run: TruthRun) -> Float32:
    return run.found.opening


def _loudness(run: TruthRun) -> Float32:
    return loudness(run.clip.pcm, len(run.clip.codes))


def _width(lips: LipCurves) -> Float32:
    return lips.width


def _protrusion(lips: LipCurves) -> Float32:
    return lips.protrusion


def _all(curves: Sequence[Float32]) -> Float32:
    return np.concatenate(curves)


def _voiced(clips: Iterable[TruthClip]) -> NDArray[np.bool_]:
    return np.concatenate([voiced_frames(clip.phones, len(clip.codes)) for clip in clips])


def _r(runs: Sequence[TruthRun], curve: Callable[[TruthRun], Float32], *, voiced: bool = False) -> float:
    found, known = _all([curve(run) for run in runs]), _all([run.clip.opening_px for run in runs])
    if voiced:
        spoken = _voiced(run.clip for run in runs)
        found, known = found[spoken], known[spoken]
    return correlation(found, known)


def _seen_r(runs: Sequence[TruthRun], curve: Callable[[LipCurves], Float32]) -> float:
    return correlation(_all([curve(run.found) for run in runs]), _all([curve(run.true) for run in runs]))


def _lags(runs: Sequence[TruthRun]) -> Float32:
    return lag_curve([(run.found.opening, run.clip.opening_px) for run in runs])


def _mean_psnr(runs: Sequence[TruthRun]) -> float:
    return float(np.mean(_all([run.psnr_db for run in runs])))


def _sharpness_percent(runs: Sequence[TruthRun]) -> float:
    return 100.0 * float(np.median(_all([run.sharpness for run in runs])))


def _jitter(runs: Sequence[TruthRun]) -> float:
    return jitter([run.found.outline for run in runs]) / max(jitter([run.true.outline for run in runs]), 1e-9)
