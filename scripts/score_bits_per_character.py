"""Score a checkpoint by what held-out text and parallel text cost it: bits per character, byte, subword and sentence."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.bpc.bits_per_character import BitsSettings, score_bits_per_character
from xlprobe.models.language_models import PRECISIONS
from xlprobe.statistics.bootstrap import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="Hugging Face folder with identity.json")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="cleaned held-out text, a file a language")
    parser.add_argument("--languages", nargs="*", default=[], help="the languages of these texts")
    parser.add_argument("--parallel", type=Path, nargs="*", default=[], help="folders of parallel test sets")
    parser.add_argument("--max-lines", type=int, help="lines of each text to take, from its start; all if not given")
    parser.add_argument("--mask-share", type=float, required=True, help="the chance of each subword to be masked")
    parser.add_argument("--seed", type=int, required=True, help="of the masks")
    parser.add_argument("--leave-out-spaces", action="store_true", help="count no whitespace")
    parser.add_argument("--tokens-per-batch", type=int, required=True)
    parser.add_argument("--precision", default="float32", choices=PRECISIONS, help="what the model computes in")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")
    command_line.add_intervals(parser)
    given = vars(parser.parse_args())
    if not given["texts"] + given["parallel"] or len(given["texts"]) != len(given["languages"]):
        parser.error("give --texts, as many --languages, or --parallel")
    intervals = Intervals(given.pop("resamples"), given.pop("level"))
    count_spaces = not given.pop("leave_out_spaces")
    settings = BitsSettings(given.pop("mask_share"), given.pop("seed"), count_spaces, given.pop("max_lines"))
    score_bits_per_character(**given, settings=settings, intervals=intervals)


if __name__ == "__main__":
    command_line.run(main)
