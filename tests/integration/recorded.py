# SPDX-License-Identifier: Apache-2.0
"""What workflows whose records are looked at have in common: a list of texts, each cleaned and stored."""

import json

HEAD = """
[workflow]
id = "{}"
version = "1.0.0"
"""

CLEANED_AND_STORED = """
[inputs.list]
type = "text"

[nodes.list]
plugin = "json"
operation = "parse"
inputs = { text = "$inputs.list" }

[nodes.clean]
plugin = "text"
operation = "normalise"
inputs = { text = "list.value" }
each = "text"

[nodes.store]
plugin = "artifact-store"
operation = "store"
inputs = { value = "clean.text" }
each = "value"
"""

COUNTED = """
[nodes.count]
plugin = "text"
operation = "count"
inputs = { texts = "clean.results" }

[outputs.total]
from = "count.total_words"
"""


def list_of(texts):
    """As --input takes it."""
    return f"list={json.dumps(texts)}"
