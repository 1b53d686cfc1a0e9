"""Phone names of every synthesiser in, phones of one common set of 48 with their times out."""

# ruff: noqa: RUF001  (the letters of IPA are what they look like)
import unicodedata
from dataclasses import dataclass

from lipstream.evaluate.phones import SILENCE, VOWELS, SpokenPhone


def _names(spaced: str) -> frozenset[str]:
    return frozenset(spaced.split())


def _table(pairs: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in pairs.split())


CONSONANTS = _names("P B M F V TH DH T D N S Z L R RR CH JH SH ZH Y W K G NG X HH")


@dataclass(frozen=True, slots=True)
class Phone(SpokenPhone):
    """One spoken phone of the common set: a symbol of VOWELS, CONSONANTS or SILENCE; the next one starts at its end."""

    level_db: float = 0.0
    """Loudness above the median vowel of its utterance; moves how far a vowel opens."""


RADIO = {symbol.lower(): symbol for symbol in (VOWELS | CONSONANTS) - _names("IX E O UE OE RR X")} | _table(
    "axr=ER dx=RR el=L em=M en=N nx=N hv=HH pau=SIL h#=SIL brth=SIL ssil=SIL #=SIL"
)
"""The radio phone set, which flite and festival's English voices use."""

_LONG = ("", ":")
ITALIAN = _table(
    "i=IY i1=IY e=E e1=E E=EH E1=EH a=AA a1=AA o=O o1=O O=AO O1=AO u=UW u1=UW j=Y w=W p=P t=T k=K b=B d=D g=G f=F v=V"
    " s=S z=Z S=SH Z=ZH ts=S dz=Z tS=CH dZ=JH m=M n=N J=N ng=NG nf=V l=L L=L r=RR #=SIL"
)
CATALAN = _table(
    "ax=AX a=AA a1=AA e=E e1=E E=EH E1=EH i=IY i1=IY o=O o1=O O=AO O1=AO u=UW u1=UW j=Y w=W b=B d=D f=F g=G J=N k=K"
    " l=L L=L m=M n=N p=P r=RR rr=RR s=S S=SH t=T z=Z Z=ZH pau=SIL _=SIL #=SIL"
)
CZECH = _table(
    "#=SIL _=SIL a=AA a:=AA e=EH e:=EH i=IH i:=IY o=O o:=O u=UH u:=UW b=B c=S c~=CH ch=X d=D d~=D dz=Z dz~=JH f=F g=G"
    " h=HH j=Y k=K l=L m=M n=N n*=NG n~=N p=P r=RR r~=ZH r~*=SH s=S s~=SH t=T t~=T v=V z=Z z~=ZH"
)
FINNISH = {
    name + length: phone
    for length in _LONG
    for name, phone in _table(
        "a=AA e=E i=IY o=O u=UW y=UE @=AE 7=OE &=AX p=P t=T k=K b=B d=D g=G f=F T=TH D=DH s=S z=Z S=SH Z=ZH h=HH v=V"
        " m=M n=N N=NG l=L L=L r=RR j=Y w=W #=SIL"
    ).items()
} | {"##": "SIL"}
INDIC = _table(
    "a=AX aa=AA ih=IH iy=IY uh=UH uw=UW eh=EH ee=E ay=AY oh=O oo=O aw=AO f=F k=K kh=K g=G gh=G ch=CH j=JH T=T td=T D=D"
    " N=N th=T tth=T dh=D ddh=D n=N p=P b=B bh=B m=M y=Y r=RR R=RR l=L L=L v=V w=W s=S sh=SH zh=R h=HH ksh=SH sri=S"
    " x=SIL @=AX pau=SIL"
)
"""Hindi, Marathi and Telugu; th and dh are dental stops there."""
RUSSIAN = _table(
    "ii=IY i=IH yy=IX y=IX uu=UW u=UH ur=UH ee=EH e=EH oo=O aa=AA a=AH ae=AX ay=AX p=P b=B t=T d=D k=K g=G c=S ch=CH"
    " f=F v=V s=S z=Z sh=SH sch=SH zh=ZH h=X m=M n=N l=L r=RR j=Y pau=SIL #=SIL"
)
RUSSIAN |= {letter * 2: RUSSIAN[letter] for letter in "pbtdkgfvszhmnlr"}  # doubled is palatalised: the same lips

_IPA_PAIRS = _table(
    "tʃ=CH dʒ=JH tɕ=CH dʑ=JH tʂ=CH dʐ=JH ts=S dz=Z pf=F aɪ=AY aʊ=AW ɔɪ=OY ɔø=OY ɔʏ=OY eɪ=EY oʊ=OW əʊ=OW ai=AY au=AW"
    " ɑu=AW ei=EY ou=OW oi=OY oɪ=OY əu=OW ʌʊ=OW ɛɪ=EY ɛʊ=AW eʊ=OW tS=CH tʑ=JH th=T kh=K ph=P əl=L"
)
_IPA_SINGLES = _table(
    "p=P b=B m=M ɱ=V f=F v=V ɸ=F β=B ʋ=V θ=TH ð=DH t=T d=D ʈ=T ɖ=D n=N ɳ=N ɲ=N s=S z=Z ʦ=S ɬ=L ɮ=L l=L ɫ=L ɭ=L ʎ=L"
    " ʟ=L r=RR ɾ=RR ɽ=RR ɹ=R ɻ=R ʀ=X ʁ=X ʃ=SH ʒ=ZH ʂ=SH ʐ=ZH ɕ=SH ʑ=ZH ç=SH ʝ=Y j=Y ɥ=W w=W ʍ=W ɰ=G k=K c=K g=G ɡ=G"
    " ɟ=G q=K ɢ=G ŋ=NG ɴ=NG x=X χ=X ɣ=X X=X ħ=HH ʕ=HH h=HH ɦ=HH i=IY ɪ=IH y=UE ʏ=UE ɨ=IX ʉ=UW ɯ=IX u=UW ʊ=UH e=E"
    " ø=OE ɘ=AX ə=AX ɵ=OE ɤ=AX o=O ɛ=EH œ=OE ɜ=ER ɞ=ER ʌ=AH ɔ=AO æ=AE ɐ=AH a=AA A=AA ɑ=AA ɒ=AO ɚ=ER ɝ=ER ɶ=AA ᵻ=IX ᵿ=UH"
)
_IPA_DROPPED = set("ːˑʲʰʷˠˤˈˌ-\"#`:'ᵝʔ?1234567")


def from_ipa(name: str) -> list[str]:
    """Map one of espeak-ng's phoneme events.

    Args:
        name: IPA of the event; `""` and `_` are pauses, `(en)` is a language switch, a glottal stop does not show.

    Returns:
        Phones of the common set, none where the event shows nothing on a face.

    Raises:
        KeyError: an IPA letter that the table lacks.
    """
    if name in ("", "_", "_:", "_|"):
        return [SILENCE]
    if name.startswith("("):
        return []
    plain = [c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c) and c not in _IPA_DROPPED]
    letters, phones = "".join(plain), []
    while letters:
        pair = _IPA_PAIRS.get(letters[:2])
        phones.append(pair or _IPA_SINGLES[letters[0]])
        letters = letters[2 if pair else 1 :]
    return phones


def on_grid(phones: list[Phone], length_ms: float) -> list[Phone]:
    """Fit labels to the sound: clipped at its end, padded there with silence, empty ones dropped, silences joined.

    Args:
        phones: in order, times in ms.
        length_ms: length of the sound file.

    Returns:
        Phones that cover 0 to `length_ms` without gap or overlap.
    """
    fitted: list[Phone] = []
    for phone in [*phones, Phone(SILENCE, phones[-1].end_ms if phones else 0.0, length_ms)]:
        start, end = fitted[-1].end_ms if fitted else 0.0, min(phone.end_ms, length_ms)
        if fitted and phone.symbol == SILENCE == fitted[-1].symbol:
            start = fitted.pop().start_ms
        if end > start:
            fitted.append(Phone(phone.symbol, start, end, phone.level_db))
    return fitted
