"""What is wrong with the data itself: duplicates, leaks between splits, non-faces -> tables of rows and reasons.

`summarize` counts what can be counted in a second; `audit_dataset` looks at every image and lists rows, reasons and
evidence; each search has a module of its own.
"""

from fer_lib.audit.blanks import BLANK_STANDARD_DEVIATION, blank_images
from fer_lib.audit.duplicates import conflicting_pairs, find_duplicates, find_leaks, leaked_mask
from fer_lib.audit.hidden_estimate import HiddenEstimate, estimate_hidden
from fer_lib.audit.label_noise import out_of_fold_probabilities
from fer_lib.audit.listing import (
    CLEANING,
    REASONS,
    audit_dataset,
    check_list_path,
    count_reasons,
    excluded_rows,
    load_audit,
    write_audit,
)
from fer_lib.audit.near import count_twins, twin_mask
from fer_lib.audit.no_face import Agreement, compare_with_cascade
from fer_lib.audit.summary import PUBLISHED_CLASSES, describe, is_as_published, summarize

__all__ = [
    "BLANK_STANDARD_DEVIATION",
    "CLEANING",
    "PUBLISHED_CLASSES",
    "REASONS",
    "Agreement",
    "HiddenEstimate",
    "audit_dataset",
    "blank_images",
    "check_list_path",
    "compare_with_cascade",
    "conflicting_pairs",
    "count_reasons",
    "count_twins",
    "describe",
    "estimate_hidden",
    "excluded_rows",
    "find_duplicates",
    "is_as_published",
    "find_leaks",
    "leaked_mask",
    "load_audit",
    "out_of_fold_probabilities",
    "summarize",
    "twin_mask",
    "write_audit",
]
