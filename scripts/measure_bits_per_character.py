"""Measure what held-out text and parallel text cost a checkpoint: sums of each line or block, from which bits per character follow."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.bpc.bits_per_character import BitsSettings, BlockSettings
from xlprobe.bpc.measurement import measure_bits
from xlprobe.models.language_models import PRECISIONS


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
    parser.add_argument("--protocol", default="lines", choices=["lines", "fairseq"], help="fairseq: held-out text its way, too")
    parser.add_argument("--tokens-per-sample", type=int, help="the longest block, fairseq's way; the model's window if not given")
    parser.add_argument("--sample-break", default="complete", choices=["complete", "eos", "none"], help="how lines make up blocks")
    parser.add_argument("--leave-out-special-tokens", action="store_true", help="do not count <s> and </s> among a block's subwords")
    parser.add_argument("--tokens-per-batch", type=int, required=True)
    parser.add_argument("--precision", default="float32", choices=PRECISIONS, help="what the model computes in")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--output", type=Path, required=True, help="HDF5 file of outcomes to write")
    given = vars(parser.parse_args())
    if not given["texts"] + given["parallel"] or len(given["texts"]) != len(given["languages"]):
        parser.error("give --texts, as many --languages, or --parallel")
    settings = BitsSettings(given.pop("mask_share"), given.pop("seed"), not given.pop("leave_out_spaces"), given.pop("max_lines"))
    blocks = BlockSettings(given.pop("tokens_per_sample"), given.pop("sample_break"), not given.pop("leave_out_special_tokens"))
    asked = blocks if given.pop("protocol") == "fairseq" else None
    measure_bits(**given, settings=settings, blocks=asked)


if __name__ == "__main__":
    command_line.run(main)
