"""Invented languages with known ground truth: data for a complete run that needs no download.

A *world* is a set of concepts and some languages that talk about them. Its languages descend from proto-languages by
regular sound change, so that relatives share words, and each has a grammar of its own. All say the same kind of
meanings, and whatever is parallel is the same meaning said in each language; so arcs, tags, alignments and inference
labels are known and not annotated. (Dufter & Schuetze 2020 study what makes models multilingual in the same way.)

    meaning       concepts, and a probabilistic grammar of meanings over them
    lexicon       sounds, roots, sound change, scripts
    grammar       how a language says a meaning: order, function words, inflection
    languages     the languages of a world from the configuration's settings
    inference     pairs with entailment, neutral and contradiction
    publication   everything written in the formats in which real data are published

**To write a language**, add it under `world.languages` in the configuration. The code is one that ISO 639 leaves free for
local use (qaa to qtz); only `name` and `parent` are required, and `schemas/config.schema.yaml` describes every key.

    world:
      languages:
        qcb:
          name: Mirel
          parent: qca             # a relative of qca; any name that is no language stands for a family of its own
          distance: 0.15          # of 100 words, 15 are not those of qca
          sound_changes: 2        # and in all, two sounds have changed
          word_order: SOV
          head_direction: final   # adpositions after the noun, relative clauses before it
          adjectives: before
          marking: case           # objects and places take endings
          agreement: [noun, verb] # what shows the plural
          articles: none          # or definite, or both
          contractions: negation  # verb and negation are one word as written, two as analysed
          script: latin           # greek, cyrillic, or syllabic, which has no spaces
          corpus_size: 0.3        # a low-resource language

Give the configuration another `experiment`, and name the language where the run should use it: `languages: [..., qcb]`,
`treebanks: [..., qcb_world, qcb_pud]`, `alignments: [..., align_qca_qcb]` (any two languages, in the order of the settings).
All data are written again, the other languages' with the same bytes. To see the data alone:

    snakemake world --cores 2 --configfile my.yaml    # and look into results/<experiment>/sources/

Equal settings give equal bytes; another `world.seed` gives another world.

How hard the languages are to learn lies in `world.concepts`: with more nouns, verbs and names than the defaults, a small
model needs longer before it begins to use context.
"""
