"""What `huggingface_hub` takes to fetch a repository: `plain_download.py REPOSITORY`; prints the seconds as JSON."""

from __future__ import annotations

import json
import sys
import time

from huggingface_hub import snapshot_download


def main() -> None:
    began = time.perf_counter()
    snapshot_download(sys.argv[1])
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
