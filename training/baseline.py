"""The plain baseline of `make eval`: TF-IDF over character 1-4-grams with logistic regression (scikit-learn).

usage: baseline.py TRAIN.jsonl TEXTS.jsonl OUT.json
TRAIN: {"text", "harmful"}; TEXTS: {"text"}; OUT: probabilities in the order of TEXTS.
C is the better of 1 and 5 on a tenth of the training texts.
"""

import json
import sys

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

LONGEST = 500


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main(train_path, texts_path, out_path):
    train = read(train_path)
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, dtype=np.float32)
    features = vectorizer.fit_transform([row["text"][:LONGEST] for row in train])
    harmful = np.array([row["harmful"] for row in train])
    held_out = np.arange(len(train)) % 10 == 0
    best = max(
        (1.0, 5.0),
        key=lambda c: f1_score(harmful[held_out], fit(features[~held_out], harmful[~held_out], c).predict(features[held_out]), average="macro"),
    )
    model = fit(features, harmful, best)
    texts = read(texts_path)
    probabilities = []
    for start in range(0, len(texts), 5000):
        part = vectorizer.transform([row["text"] for row in texts[start : start + 5000]])
        probabilities.extend(model.predict_proba(part)[:, 1].round(5).tolist())
    with open(out_path, "w", encoding="utf-8") as out:
        json.dump({"c": best, "features": features.shape[1], "probabilities": probabilities}, out)


def fit(features, harmful, c):
    return LogisticRegression(C=c, solver="liblinear", random_state=1).fit(features, harmful)


main(*sys.argv[1:])
