"""A model directory for the world: what plain transformers loads, with the names of the labels and a card."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.champions import MANIFEST
from core.cli.output import check_folder
from core.errors import SettingsError

KEPT_BACK = (MANIFEST, "snapshot.jsonl.gz", "model-card.md")
"""What names items or lies in the card already."""
CARD = "model-card.md"
LICENCE = "Licence: "
USAGE = """
## Use

```python
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = "."
model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
inputs = tokenizer(["a text"], truncation=True, max_length={length}, return_tensors="pt")
with torch.inference_mode():
    shares = (model(**inputs).logits / {temperature}).softmax(-1)[0]
best = int(shares.argmax())
print(model.config.id2label[best], float(shares[best]))
```

Temperature: {temperature}. Divide the logits by it to get the confidences that Lightwork has, to about 0.01: it
rounds more where the machine computes in bfloat16. The card says how well they hold.
"""


def write(artifact: Path, out: Path, names: Mapping[str, str], temperature: float | None, base_model: str) -> None:
    """Copy an artifact to `out`, whole or not at all.

    Args:
        names: of the labels, by id. temperature: of the version; None where it was not calibrated.

    Raises:
        SettingsError: `out` is there already, its folder is not, or it cannot be written.
    """
    check_folder(out)
    if out.exists():
        raise SettingsError(f"{out} is there already; choose another directory for --out.")
    draft = None
    try:
        draft = Path(tempfile.mkdtemp(dir=out.absolute().parent, prefix=".draft-"))
        for path in artifact.iterdir():
            if path.is_file() and path.name not in KEPT_BACK:
                shutil.copyfile(path, draft / path.name)
        _name_labels(draft / "config.json", names)
        (draft / "README.md").write_text(_readme(artifact, names, temperature, base_model), encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(out)
    except OSError as error:
        raise SettingsError(f"{out} cannot be written ({error.strerror}).") from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _name_labels(path: Path, names: Mapping[str, str]) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))
    ids = [config["id2label"][str(place)] for place in range(len(config["id2label"]))]
    config["id2label"] = {str(place): names.get(label_id, label_id) for place, label_id in enumerate(ids)}
    config["label2id"] = {name: int(place) for place, name in config["id2label"].items()}
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _readme(artifact: Path, names: Mapping[str, str], temperature: float | None, base_model: str) -> str:
    """The card with the head that model hubs read, and how to use the model."""
    card = artifact / CARD
    body = card.read_text(encoding="utf-8") if card.is_file() else f"# {', '.join(names.values())}\n"
    manifest = json.loads((artifact / MANIFEST).read_text(encoding="utf-8"))
    found = next((line for line in body.splitlines() if LICENCE in line), "")
    licence = found.partition(LICENCE)[2].rstrip(".")
    known = licence.lower() if licence and " " not in licence else "other"
    head = f"---\nlicense: {known}\nbase_model: {base_model}\npipeline_tag: text-classification\n---\n\n"
    usage = USAGE.format(length=manifest["settings"]["max_length"], temperature=temperature or 1.0)
    return head + body.rstrip() + "\n" + usage
