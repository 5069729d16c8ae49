"""One short, exact sentence a term; it feeds tooltips, pages and the report."""

from __future__ import annotations

import re

GLOSSARY: dict[str, str] = {
    # the question
    "holdout": "Rows that no candidate trains on, the same for all; every score that is shown is measured on them.",
    "new part": "The holdout rows that come from the new data.",
    "old part": "The holdout rows that come from the old data; they show what is forgotten.",
    "validation rows": "New rows kept out of training: they tell when to stop, and to one strategy which layers to train. The scores that "
    "are shown are not measured on them; the recommendation weighs them with the holdout, unless that is later rows or a file "
    "of its own.",
    "trade-off": "What is gained on the new part against what is lost on the old part.",
    "weighted score": "The scores on the new and on the old part as one number, in which each part counts as was chosen. The "
    "recommendation goes by what is to be expected of it: part of a gain is luck, and of candidates that are hardly apart the "
    "best of the cheap ones is taken.",
    "margin": "The smallest difference that matters, such as 0.5 points of accuracy. Gains are counted in margins, so that "
    "different scores can be weighed together; candidates that are expected to be less than 0.6 margins apart count as equally good, and the best of the cheap ones is taken (half as long again, or a second more, is as cheap).",
    "stability": "Rows, and seeds if there are several, are drawn anew many times, with replacement, and each time the choice is made "
    "again. Near 100 %, it does not hang on luck.",
    "clear": "No other candidate may be materially better (the 95 % intervals of all lie below that), and the choice is the same in "
    "at least 80 % of resamples.",
    "not certain": "Another candidate may be materially better, or the choice hangs on luck; more rows or seeds would tell.",
    "old training rows": "Old rows for training: the old model knows them, and full retrain is trained on them too. Held-out old rows "
    "would flatter the old model, which knows those as well, so candidates are weighed and told apart on these.",
    "forgetting": "How much worse a candidate scores on the old part than the old model does.",
    # the strategies
    "keep": "The candidate that changes nothing: the old model as it is, the baseline of every number.",
    "fine-tune": "Train the last layers of the old model on the new rows; the other layers stay frozen.",
    "incremental": "Go on training the old model on the new rows in the order they arrive, each batch as it comes.",
    "full retrain": "Train the same architecture from fresh weights, on old and new rows if there are old ones.",
    # the training
    "seed": "The number that fixes all random choices of a run; several seeds show how much luck matters.",
    "epoch": "One pass over the training rows.",
    "learning rate": "How large a step each batch of training makes; a larger one learns faster and forgets more.",
    "batch size": "Rows that are used for one step of training.",
    "step budget": "A number of training steps that every candidate does, so that they are compared at equal compute.",
    "class weights": "Weights in the loss that make all classes count alike, however many rows they have.",
    "compiled steps": "Training steps fused by the XLA compiler; chosen where a few measured steps show that it is faster.",
    "plain steps": "Training steps done one operation after another by TensorFlow, as Keras does them.",
    "device shared": "Other runs trained on the same device at the same time, so the times may be longer than alone.",
    "forecast": "What a run will cost, measured on a few real steps of this very model; the range allows for early stopping.",
    "quick look": "All strategies are tried on part of the rows, for some of their epochs; the one that is "
    "expected to gain most in full is best. Of "
    "several options of a strategy, rounds on few rows drop the worse half first. "
    "It takes about a third of the training of all runs in full, and is worth it where runs take minutes: "
    "to begin a try takes about a second. It looks at no row of the holdout.",
    "gain in margins": "How much better than the old model it is, as a multiple of the smallest difference that matters (half "
    "a point of accuracy, 0.01 of log-loss, half a percent of a mean error), on rows that it was not trained on and that are "
    "none of the holdout; ± one standard error.",
    "sandbox": "The room that a worker is locked into before it loads a model: it reads its own data and writes its own folder, and "
    "finds no other file, no network and no other program, whatever the model's code does. Full: every wall that counts holds.",
    "prequential score": "Score on each arriving batch before it is trained on, averaged over the rows so far.",
    "peak memory": "The largest amount of main memory that the training process held at any moment.",
    "hash": "A fingerprint of content: the same content has the same one, any change gives another (here SHA-256).",
    "logits": "Outputs of a model before sigmoid or softmax turns them into probabilities.",
    "new class": "A label in the new data that the old model has no output unit for.",
    # the scores
    "loss": "What training minimises, averaged over rows; lower is better. With plain cross-entropy it is the log-loss.",
    "accuracy": "Share of rows whose predicted class is the right one, or share of right labels if a row has several; "
    "higher is better.",
    "mean absolute error": "Average distance between prediction and label, in units of the label; lower is better. If a "
    "row has several numbers, the average over them.",
    "log-loss": "Minus the logarithm of the probability that was given to what came, averaged over rows; it counts how sure a "
    "model is of each row; lower is better.",
    "balanced accuracy": "Share of right predictions within each class, averaged over classes, so that rare ones count as much; "
    "higher is better.",
    "AUROC": "Chance that a row with the label is given a higher probability of it than a row without; 0.5 is guessing, 1 the best.",
    "AUPRC": "Precision averaged over all thresholds, by how many rows with the label each finds; it tells most where the label "
    "is rare; higher is better.",
    "F1": "One number from precision (how many of those named are right) and recall (how many of those there are named), their "
    "harmonic mean; higher is better.",
    "Brier score": "Squared distance between the predicted probabilities and what came, averaged over rows; lower is better.",
    "ECE": "Expected calibration error: how far the predicted probabilities lie from how often it comes, on average over 15 "
    "groups of rows; 0 is the best. Few rows make it larger by chance alone, so it is shown without an interval and decides nothing.",
    "calibration error": "The average square of the distances of which ECE is the average, less what chance alone adds; 0 is the "
    "best, and a well calibrated model is as often a little below it as above.",
    "root mean squared error": "Root of the average squared distance between prediction and label, in units of the label; large "
    "errors weigh more than in the mean absolute error; lower is better.",
    "R2": "Share of the label's variance that the predictions explain; 1 is the best, 0 no better than always the mean.",
    "point": "A percentage point, the difference between two percentages: from 70 % to 75 % is 5 points.",
    "95 % interval": "A range made by a method that covers the true value in 95 of 100 repetitions.",
    # sensitivity
    "robustness": "Share of a model's score that is left on disturbed rows, 0 to 1: accuracy on disturbed rows / accuracy, or "
    "mean absolute error / that on disturbed rows, each at most 1, averaged over the severities of each kind of disturbance "
    "of all columns, then over the kinds. Guessing keeps a share too, so compare models on the same rows.",
    "permutation importance": "How much worse a model scores once a column's values are given to other rows; 0 for a column "
    "that it does not need.",
    "FGSM": "Fast gradient sign method: every value is moved by the same small amount in the direction in which the model's "
    "loss grows; the worst case of noise of that size, to a first approximation.",
    "learning curve": "The score against the number of rows trained on; it tells what more rows would bring.",
    "first guess": "The strategy that the shift points to before anything is trained; the measurement decides.",
    # the shift
    "covariate shift": "The inputs are distributed differently than before: P(x) has changed.",
    "label shift": "The labels are distributed differently than before: P(y) has changed.",
    "concept shift": "The same inputs get other labels than before: P(y given x) has changed.",
    "integer code": "Whole numbers that stand for categories, such as 1 for north and 2 for south.",
    "high-cardinality": "Having so many different values that only the frequent ones can be compared one by one.",
    "free text": "Sentences; compared by how many words they have and which frequent words they hold.",
    "record number": "A number or name that tells rows apart, such as a customer's; different in every row, so not compared.",
    "detectable effect": "The smallest movement that this many rows would show with a chance of about 80 %.",
    "mixed shift": "Neither the inputs, nor the labels given the inputs, nor the inputs given the label stayed as they were.",
    "overlap": "Share of rows that could be from the old or the new data: 1 if the inputs are alike, 0 if nothing is shared.",
    "likeness": "Estimated chance that a row with these values is an old one, if old and new rows were equally many.",
    "effective old rows": "How many rows like the new ones the old rows are worth, weighted to look like them: all of them without a shift. It "
    "counts inputs only, not whether their labels still hold.",
    "share of the shift": "How much of what inputs and label together tell about old or new is told by this part of them.",
    "AUC": "How often a classifier ranks a random new row above a random old one: 50 % is chance, 100 % tells all apart.",
    "movement": "How far a column moved: as far as a normal variable whose mean moves by so many standard deviations (d); 0.1 "
    "is small, 0.5 large, 3 the most that is told.",
    "KS": "Kolmogorov-Smirnov: largest gap between the two cumulative distributions, 0 (same) to 1 (no overlap).",
    "Wasserstein": "How far values had to travel on average to become the new ones, here in old standard deviations.",
    "PSI": "Population stability index: how much the shares of bins differ; 0 is no shift, small samples raise it.",
    "JS": "Jensen-Shannon distance between the shares of bins or categories, 0 (same) to 1 (no overlap).",
    "total variation": "Share of rows that would have to change category to undo the shift.",
    "chi-squared": "How unlike the category counts of both sides are; it grows with the rows, so read its p-value.",
    "Cramer's V": "Strength of association between category and side (old or new), 0 (none) to 1 (complete).",
    "band": "How far a chunk of rows would be from the old data by chance and by the old data's own ups and downs.",
    "last layer but one": "The values a model computes just before its output: what it has made of the inputs.",
    "loss waterfall": "The old model's loss on old rows, led in exact steps to its loss on new rows: harder inputs, changed "
    "labels, unseen inputs.",
    "harder inputs": "Rise of the loss because inputs the old model was always bad at are now more frequent.",
    "changed labels": "Rise of the loss because the same inputs get other labels than before.",
    "unseen inputs": "Rise of the loss on inputs that the old data hardly has.",
    "region": "Rows picked out by a rule of one or two conditions, in which the old model has become worse than elsewhere.",
    "adjusted p-value": "Chance of a difference this large if there were none, corrected for how many columns or candidates are "
    "tested.",
}

# Other ways in which texts write a term.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "new part": ("new rows",),
    "old part": ("old rows",),
    "fine-tune": ("fine-tuning",),
    "incremental": ("incrementally",),
    "full retrain": ("retrain in full",),
    "validation rows": ("validation",),
    "prequential score": ("prequential",),
    "trade-off": ("tradeoff",),
    "forgetting": ("forgotten", "forgets"),
    "mean absolute error": ("mae", "mean abs. error"),
    "log-loss": ("log_loss",),
    "ECE": ("expected calibration error",),
    "root mean squared error": ("rmse",),
    "hash": ("SHA-256", "hashes"),
    "point": ("percentage point",),
    "robustness": ("robust",),
    "FGSM": ("fast gradient sign method",),
    "movement": ("effect size", "effect_size", "mean shift"),
    "effective old rows": ("effective sample size", "effective_old_rows"),
    "AUC": ("domain_auc",),
    "chi-squared": ("chi2",),
    "KS": ("Kolmogorov-Smirnov",),
    "PSI": ("population stability index",),
    "JS": ("Jensen-Shannon",),
    "Cramer's V": ("Cramér's V", "cramers_v"),
    "total variation": ("total_variation",),
    "adjusted p-value": ("adjusted p", "p_adjusted"),
    "last layer but one": ("penultimate layer",),
}


def terms_used(text: str) -> list[str]:
    """Return the terms that occur in ``text``, in the glossary's order; capital-letter terms as they are written.

    >>> terms_used("Two seeds and one KS value; no EPOCHS, no ks.")
    ['seed', 'epoch', 'KS']
    """
    return [
        term for term in GLOSSARY if any(_occurs(word, text) for word in (term, *SPELLINGS.get(term, ())))
    ]


def _occurs(word: str, text: str) -> bool:
    flags = re.NOFLAG if word.isupper() else re.IGNORECASE
    return re.search(rf"(?<!\w){re.escape(word)}s?(?!\w)", text, flags) is not None
