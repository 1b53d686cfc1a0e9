"""The sentences of texts.txt in, together with generated ones, lists of sentences by language out, seeded."""

from pathlib import Path

import numpy as np

TEXTS = Path(__file__).with_name("texts.txt")
HELD_OUT_EVERY = 10
"""Every tenth generated sentence is kept out of training."""

_WORDS = {
    "who": "I|you|we|they|my brother|her mother|the whole family|Bob|Emma|Victor|our new neighbour|the old woman"
    "|a young farmer|both pilots|the man over there|everybody|his boss|Julia|Wanda|George|a famous poet|five students",
    "verb": "moved|bought|painted|forgot|found|chose|opened|wanted|measured|washed|borrowed|threw away|picked up"
    "|admired|brought|repaired|covered|described|lifted|imagined|offered|polished|photographed|followed|watched|used",
    "adjective": "big|small|blue|purple|wooden|heavy|beautiful|broken|empty|famous|warm|smooth|yellow|strange|brown"
    "|expensive|perfect|foreign|huge|humble|soft|white|sharp|young|rough|narrow|loose|rapid|simple|awful",
    "thing": "box|piano|map|umbrella|bottle|book|window|boat|sofa|jam jar|phone|camera|wheel|sword|bowl|lamp|mirror"
    "|envelope|football|mushroom|purse|violin|shovel|apple|coffee cup|pump|bicycle|roof|bridge|watch|bamboo chair",
    "place": "in the bedroom|by the river|above the shop|on the roof|behind the church|at the airport|near the farm"
    "|under the bridge|beyond the village|in a warm cave|at home|over the moon|off the main road|in Bombay"
    "|at our office",
    "time": "before breakfast|yesterday|on Monday|every evening|five minutes ago|in November|at noon|for an hour"
    "|tomorrow|all afternoon|twice a week|after the movie|in the morning|just now|whenever it rained|once or twice",
    "manner": "slowly|very carefully|with both hands|without a word|for fun|by mistake|as if by magic|happily|quietly"
    "|in a hurry|badly|with a loud bump|for the first time|on purpose|together|with some help",
    "feeling": "happy|afraid|proud|bored|amazed|hopeful|furious|unsure|thrilled|comfortable|awake|hungry|thirsty|moved",
    "act": "move|bring|pull|push|drop|fetch|give me|show me|put away|look for|point at|mark|choose|wave at",
    "number": "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|zero|twenty one|forty four|fifty five"
    "|ninety nine|a hundred and two|a thousand|half a million",
    "letter": "A|B|C|D|E|F|G|H|I|J|K|L|M|N|O|P|Q|R|S|T|U|V|W|X|Y|Z",
    "colour": "red|blue|white|green|yellow|purple|brown|black|orange|pink|silver|grey",
    "verb_now": "move|pay|believe|remember|understand|leave|begin|bother|play|work|laugh|cook|swim|vote|choose|push",
    "syllable": "pa|ba|ma|fa|va|wa|la|sha|pee|bee|me|fee|we|she|poo|boo|moo|shoe|who|you|go|bow|po|no|may|pay|way|buy"
    "|my|pie|boy|toy|now|wow|paw|four|war|law|or|are|ear|air|up|oomph|off|of|am|ebb|op|oath|ooze|ash",
}
_SYLLABLES = (
    "p|b|m|f|v|w|t|d|n|s|z|l|r|k|g|h|y|j|ch|sh|th|pl|br|fl|sw|tr|st|sp|gr|dr|qu|sm|",
    "a|e|i|o|u|ee|oo|ay|ow|oy|ie|or|ar|er|aw|ai|oa|ou",
    "||||p|b|m|f|ve|t|d|n|s|ze|l|k|g|sh|ch|ng|th|mp|nd|st|ft|lm|lf|bs|ps|rm",
)
"""Onsets, vowels and codas as English spells them."""
_TEMPLATES = (
    "{who} {verb} the {adjective} {thing} {place}.",
    "{time}, {who} {verb} a {adjective} {thing}.",
    "{who} {verb} the {thing} {manner}.",
    "Why did {who} want the {adjective} {thing}?",
    "{act} the {colour} {thing} and the {colour} {thing}, please.",
    "{who} felt {feeling} {place} {time}.",
    "{number}, {number}, {number}, {number}.",
    "{letter}, {letter}, {letter}, {number}, {letter}.",
    "{colour} {letter} {number}, then {colour} {letter} {number}.",
    "{act} the {colour} one near {letter}, number {number}.",
    "{who} will {verb_now} {time}, but {who} would not {verb_now}.",
    "Would {who} {verb_now} {manner}, or {verb_now} {place}?",
    "{syllable}, {syllable}, {syllable}, {syllable}, {syllable}, {syllable}.",
    "{number} {adjective} chairs and {number} {colour} cups were left {place}.",
    "{who} said that {who} {verb} it {manner}.",
    "It was {feeling} work, {adjective} and {adjective}, and {who} {verb} the {thing} {time}.",
    "{who} and {who}.",
    "{manner}!",
)


def written(language: str = "en") -> list[str]:
    """Sentences of texts.txt in a language, `en`, `de`, ..."""
    lines = [line for line in TEXTS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    tagged = [line[1:].split("] ", 1) if line.startswith("[") else ["en", line] for line in lines]
    return [text for tag, text in tagged if tag == language]


def generated(count: int, seed: int = 0) -> list[str]:
    """`count` English sentences of a small grammar, the same ones for the same seed."""
    random = np.random.default_rng(seed)
    words = {name: choices.split("|") for name, choices in _WORDS.items()}
    sentences = []
    for i in range(count):
        sentence = _TEMPLATES[i % len(_TEMPLATES)]
        while "{" in sentence:
            name = sentence[sentence.index("{") + 1 : sentence.index("}")]
            sentence = sentence.replace("{" + name + "}", str(random.choice(words[name])), 1)
        sentences.append(sentence[0].upper() + sentence[1:])
    return sentences


def nonsense(count: int, seed: int = 1) -> list[str]:
    """`count` English-looking sentences of invented words: sounds in every neighbourhood, which no grammar gives."""
    random = np.random.default_rng(seed)
    onsets, vowels, codas = (choices.split("|") for choices in _SYLLABLES)

    def word() -> str:
        return "".join(
            str(random.choice(onsets)) + str(random.choice(vowels)) + str(random.choice(codas))
            for _ in range(random.integers(1, 4))
        )

    return [" ".join(word() for _ in range(random.integers(3, 7))).capitalize() + "." for _ in range(count)]


def shuffled(language: str, count: int, seed: int = 2) -> list[str]:
    """`count` sentences of four to nine words drawn from those written in a language: the lips do not ask for sense."""
    random = np.random.default_rng(seed)
    words = [word.strip(".,?!।") for sentence in written(language) for word in sentence.split()]
    return [" ".join(random.choice(words, random.integers(4, 10))) + "." for _ in range(count)]


def english(count: int) -> tuple[list[str], list[str]]:
    """English sentences to train on, and those kept out: every tenth, before any voice speaks them."""
    sentences = [*written(), *generated(max(0, count - len(written())))]
    held_out = sentences[::HELD_OUT_EVERY]
    return [s for i, s in enumerate(sentences) if i % HELD_OUT_EVERY], held_out
