"""Labels and annotations become files. A new format is one new file `core/exporting/<format>_file.py`."""

from core.exporting.chat import export_for_chat, fail_export, request_export, request_result, unfinished_exports
from core.exporting.rows import AnnotationRow, LabelRow, agreed, all_annotations
from core.exporting.write import ExportInfo, export_formats, write_export

__all__ = [
    "AnnotationRow",
    "ExportInfo",
    "LabelRow",
    "agreed",
    "all_annotations",
    "export_for_chat",
    "export_formats",
    "fail_export",
    "request_export",
    "request_result",
    "unfinished_exports",
    "write_export",
]
