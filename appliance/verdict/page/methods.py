"""How a page's figures are computed, and where the methods come from."""

from __future__ import annotations

from appliance.verdict.report.report import Report

Method = tuple[str, str]

CASES = """
Both prompts answered the same cases of the test split, which the search never read, with the very
model file that serves.
"""
SHARES = """
They have Wilson score intervals at 95 % (Wilson, JASA 22, 1927), which take cases as independent.
"""
TOGETHER = """
Here some belong together, so these intervals may be too narrow; the interval of the figure that
decides the verdict is drawn over whole clusters.
"""
TESTS = {
    "McNemar": """
The exact McNemar test: how often would a fair coin divide the cases that only one prompt gets
right as unevenly as they are divided (McNemar, Psychometrika 12, 1947)?
""",
    "flip": """
A sign-flip test: how often do the differences add up to as much if a fair coin gives them their
signs (Fisher's randomisation test; Phipson and Smyth, SAGMB 9, 2010)? Where cases belong together,
whole clusters flip.
""",
    "swap": """
A randomisation test: the two results of a case are swapped or not, by a fair coin (Yeh, COLING
2000). How often is the difference as large, and how often over its standard error (Chung and
Romano, Annals of Statistics 41, 2013)? The larger p counts. Where cases belong together, whole
clusters are swapped.
""",
}
LOOKS = """
At the first look at a test split p has to stay below 0.05. Every further look halves this
threshold, also a look at another split that has a case in common with it. So all looks together say
"better" wrongly with a chance of at most 0.05 (Bonferroni with unequal shares; Lan and DeMets,
Biometrika 70, 1983).
"""
NEWCOMBE = "It is Newcombe's method 10 for paired proportions (Statistics in Medicine 17, 1998)."
POWER = """
It is the power of the exact McNemar test at this look's threshold. The share of differing answers
is taken as it was seen, but as 0.2 at least (Duffy, Biometrics 40, 1984).
"""
F1 = """
F1 is 2 TP / (2 TP + FP + FN). Micro-F1 takes counts summed over cases, macro-F1 is the mean over
the labels that occur, and token F1 is the mean over cases of the F1 of their words.
"""
BOOTSTRAP = """
They are BCa bootstrap intervals at 95 % (Efron, JASA 82, 1987) over cases. Where cases belong
together, whole clusters are redrawn and the interval is widened to Student's quantile (Hesterberg,
The American Statistician 69, 2015).
"""
CONTROL = """
The bag of words is TF-IDF of words, pairs of words and letters with logistic regression, as
scikit-learn has both. It is compared with the best prompt as the two prompts are with each other.
"""
LOST = """
That a label is found less often is proven by the exact McNemar test on its own cases, or by
flipping the signs of whole groups of rows, at 5 % shared among all labels (Bonferroni).
"""
MAPS = """
A map is a linear discriminant with shrinkage (Friedman, JASA 84, 1989) of the model's last hidden
states. Each tuning and selection row is read by one of five maps that had not seen it. Other
prompts are read by maps of their own; the intervals of the gains over them are paired.
"""
FILES = """
Each file of episodes was drawn anew; the spread over the files says how far a figure depends on the
draw.
"""
RELIABILITY = """
Probabilities are the softmax of scores over a temperature fitted on selection rows (Guo et al.,
ICML 2017), for a map of hidden states on tuning rows too, each read by a map that had not seen it;
those of yes and no are the sigmoid of a line fitted to the same rows (Platt, Advances in Large
Margin Classifiers, 1999). The expected calibration error is the mean distance between probability
and share right over ten bins of equally many answers (Naeini, Cooper and Hauskrecht, AAAI 2015).
With few answers it is above 0 however good the probabilities are. What it would be by chance was
simulated: each answer is right with the probability it was given, independently of the others
(Bröcker and Smith, Weather and Forecasting 22, 2007).
Answers below a threshold are withheld (Chow, IEEE Transactions on Information Theory 16, 1970);
error against coverage is drawn as by El-Yaniv and Wiener (JMLR 11, 2010).
"""
LEAKS = """
A private row is found if it is a demonstration, or if the prompt or the labels hold five of its
words in a row, all of a shorter text, an entity, an answer or a choice of it. In scripts without
spaces ten characters count as five words (Chinese, Japanese), or twenty (Thai and similar scripts).
Words of two or three characters are found in their own case alone, and not where they are in lower
case. Answers, choices, and such words without capitals count where no more than three texts have
them; an answer that is a number counts from six digits on. Otherwise case and punctuation hide
nothing; a paraphrase is not found.
"""


def methods(report: Report) -> list[Method]:
    """Returns name and text of each method that a figure of the page needs."""
    test = next((text for key, text in TESTS.items() if key in report.test), "")
    tested, paired = not report.stands, report.test == "exact McNemar"
    chosen = [
        ("The cases", CASES, True),
        ("Shares", SHARES + (TOGETHER.lstrip() if report.clusters else ""), True),
        ("The test", test, tested),
        ("Looks at the test split", LOOKS, tested),
        ("The interval of the gain", NEWCOMBE, tested and paired),
        ("Power", POWER, tested and report.power is not None),
        ("F1", F1, report.micro or report.token_f1),
        ("Other intervals", BOOTSTRAP, report.micro or report.token_f1 or not paired),
        ("Sampled files", FILES, report.parts),
        ("The control without a model", CONTROL, report.controls),
        ("Labels found less often", LOST, report.paid),
        ("Maps of hidden states", MAPS, report.separation),
        ("Reliability", RELIABILITY, report.reliability),
        ("Leak check", LEAKS, True),
    ]
    return [(name, text.strip()) for name, text, shown in chosen if shown]
