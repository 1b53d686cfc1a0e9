from studio.texts import english, nonsense, shuffled, written


def test_the_same_seed_writes_the_same_sentences() -> None:
    assert nonsense(20) == nonsense(20) != nonsense(20, seed=5)
    assert shuffled("cs", 20) == shuffled("cs", 20)


def test_shuffled_words_are_those_written() -> None:
    words = {word.strip(".,?!।") for sentence in written("te") for word in sentence.split()}
    for sentence in shuffled("te", 10):
        assert {word.strip(".") for word in sentence.split()} <= words


def test_no_held_out_sentence_is_trained_on() -> None:
    train, held_out = english(400)
    assert len(held_out) == 40
    assert not set(held_out) & set(nonsense(500))
    assert len(train) == 360
