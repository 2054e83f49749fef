"""Writes the later stages of every story; review what changes like code.

python tests/answers/regenerate_stories.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from answers.story_stages import STORIES, stages  # noqa: E402 - found on the path that was just set

if __name__ == "__main__":
    for story in STORIES:
        for name, content in stages(story.name).items():
            (story / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(STORIES)} stories written; now read the difference.")
