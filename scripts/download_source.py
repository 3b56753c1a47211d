"""Fetch one upstream file from its address, verified."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.sources.downloads import Upstream, download


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--address", required=True, help="http or https")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sha256", default="", help="published digest; if not given, that of the lock file counts")
    parser.add_argument("--size", type=int, default=0, help="about how many bytes it has; 0 where nobody knows")
    parser.add_argument("--unverified", default="", help="what nobody has checked about the address, for messages")
    parser.add_argument("--lock", type=Path, required=True, help="TSV of the digests of earlier downloads")
    arguments = parser.parse_args()
    download(Upstream(arguments.address, arguments.sha256, arguments.unverified, size=arguments.size), arguments.output, arguments.lock)


if __name__ == "__main__":
    command_line.run(main)
