"""The recipe that makes the weights in `weights/`: `slipway-assistant train` runs it. It needs torch (`make setup-train`).

`examples` (no torch): labelled utterances as token tags, and their variations; `bert`: the network; `loop`: the training;
`export`: 8-bit ONNX.
"""
