"""Everything a model file may name: what is not listed here is refused.

A config names classes by module and class, and Keras imports what it names. An exact list is the only
check that also holds for what nobody has thought of yet. To allow a class, add its name to its table,
after reading its ``from_config``: it must not run, read, write or fetch what the config tells it to.

Source: Keras 3.15 public API; the modules are those that ``serialize_keras_object`` writes.
"""

from __future__ import annotations

from typing import Literal

Pair = tuple[str, str]
ObjectKind = Literal["model", "layer", "operation", "object"]

DENSE = ("Dense", "EinsumDense", "Embedding", "ReversibleEmbedding", "Identity", "InputLayer", "Masking")
CONVOLUTION = (
    *("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
)
POOLING = tuple(
    f"{prefix}{kind}Pooling{rank}D"
    for prefix in ("", "Global", "Adaptive")
    for kind in ("Average", "Max")
    for rank in (1, 2, 3)
)
RECURRENT = (
    *("RNN", "SimpleRNN", "GRU", "LSTM", "SimpleRNNCell", "GRUCell", "LSTMCell", "StackedRNNCells"),
    *("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
)
WRAPPERS = ("Bidirectional", "TimeDistributed", "SpectralNormalization")
ATTENTION = ("AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention")
NORMALIZATION = (
    *("BatchNormalization", "GroupNormalization", "LayerNormalization"),
    *("RMSNormalization", "UnitNormalization"),
)
REGULARIZATION = (
    *("ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"),
    *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
)
ACTIVATION = ("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax")
MERGING = ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")
RESHAPING = (
    *("Cropping1D", "Cropping2D", "Cropping3D", "Flatten", "Permute", "RepeatVector", "Reshape"),
    *("UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
)
LOOKUP = ("StringLookup", "IntegerLookup", "TextVectorization")
PREPROCESSING = (
    *LOOKUP,
    *("CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "Normalization", "Rescaling"),
    *("CenterCrop", "MelSpectrogram", "Pipeline", "Resizing", "STFTSpectrogram"),
)
AUGMENTATION = (
    *("AugMix", "AutoContrast", "CutMix", "Equalization", "MixUp", "RandAugment", "RandomBrightness"),
    *("RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomErasing"),
    *("RandomElasticTransform", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue"),
    *("RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation"),
    *("RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Solarization"),
)
LAYERS = frozenset(
    DENSE
    + CONVOLUTION
    + POOLING
    + RECURRENT
    + WRAPPERS
    + ATTENTION
    + NORMALIZATION
    + REGULARIZATION
    + ACTIVATION
    + MERGING
    + RESHAPING
    + PREPROCESSING
    + AUGMENTATION
)
MODELS: frozenset[Pair] = frozenset(
    {
        ("keras", "Sequential"),
        ("keras.models", "Sequential"),
        ("keras", "Functional"),
        ("keras.models", "Functional"),
        ("keras.src.models.functional", "Functional"),
        ("keras", "Model"),
        ("keras.models", "Model"),
    }
)
# Arithmetic on symbolic tensors, such as ``x / 255`` in a functional model.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "keras.src.ops.numpy": (
        *("Abs", "Absolute", "Add", "Amax", "Amin", "Average", "Ceil", "Clip", "Concatenate", "Cos"),
        *("Divide", "DivideNoNan", "Dot", "Einsum", "Equal", "Exp", "ExpandDims", "Expm1", "Flip"),
        *("Floor", "FloorDivide", "GetItem", "Greater", "GreaterEqual", "Isfinite", "Isnan", "Less"),
        *("LessEqual", "Log", "Log10", "Log1p", "Log2", "LogicalAnd", "LogicalNot", "LogicalOr"),
        *("Matmul", "Max", "Maximum", "Mean", "Median", "Min", "Minimum", "Mod", "Multiply"),
        *("NanToNum", "Negative", "NotEqual", "OnesLike", "Power", "Prod", "Ravel", "Reciprocal"),
        *("Reshape", "Round", "Sign", "Sin", "Split", "Sqrt", "Square", "Squeeze", "Stack", "Std"),
        *("Subtract", "Sum", "Swapaxes", "Take", "Tanh", "Transpose", "TrueDivide", "Var", "Where"),
        "ZerosLike",
    ),
    "keras.src.ops.math": ("Erf", "Logsumexp", "Rsqrt"),
    "keras.src.ops.nn": (
        *("Elu", "Gelu", "HardSigmoid", "HardSilu", "LeakyRelu", "LogSigmoid", "LogSoftmax", "MultiHot"),
        *("Normalize", "OneHot", "Relu", "Relu6", "Selu", "Sigmoid", "Silu", "Softmax", "Softplus"),
        "Softsign",
    ),
    "keras.src.ops.core": ("Cast", "StopGradient", "Unstack"),
}
INITIALIZERS = (
    *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "LecunNormal"),
    *("LecunUniform", "Ones", "Orthogonal", "RandomNormal", "RandomUniform", "STFT", "TruncatedNormal"),
    *("VarianceScaling", "Zeros", "IdentityInitializer", "OrthogonalInitializer", "STFTInitializer"),
)
REGULARIZERS = ("L1", "L1L2", "L2", "OrthogonalRegularizer")
CONSTRAINTS = ("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm")
DTYPE_POLICIES = ("DTypePolicy", "FloatDTypePolicy")
OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon"),
    *("Nadam", "RMSprop", "SGD", "ScheduleFreeAdamW", "LossScaleOptimizer"),
)
SCHEDULES = (
    *("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay"),
    *("PiecewiseConstantDecay", "PolynomialDecay"),
)
# Class name to the name of the function, which is how this project names losses.
LOSSES: dict[str, str] = {
    "BinaryCrossentropy": "binary_crossentropy",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "CategoricalFocalCrossentropy": "categorical_focal_crossentropy",
    "CategoricalGeneralizedCrossEntropy": "categorical_generalized_cross_entropy",
    "CategoricalHinge": "categorical_hinge",
    "CosineSimilarity": "cosine_similarity",
    "Dice": "dice",
    "Hinge": "hinge",
    "Huber": "huber",
    "KLDivergence": "kl_divergence",
    "LogCosh": "log_cosh",
    "MeanAbsoluteError": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "MeanSquaredError": "mean_squared_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "Poisson": "poisson",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "SquaredHinge": "squared_hinge",
    "Tversky": "tversky",
}
LOSS_ALIASES: dict[str, str] = {
    **{alias: "binary_crossentropy" for alias in ("bce", "BCE")},
    **{alias: "kl_divergence" for alias in ("kld", "KLD", "kullback_leibler_divergence")},
    **{alias: "mean_absolute_error" for alias in ("mae", "MAE")},
    **{alias: "mean_absolute_percentage_error" for alias in ("mape", "MAPE")},
    **{alias: "mean_squared_error" for alias in ("mse", "MSE")},
    **{alias: "mean_squared_logarithmic_error" for alias in ("msle", "MSLE")},
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}
METRICS = (
    *("AUC", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "CategoricalAccuracy"),
    *("CategoricalCrossentropy", "CategoricalHinge", "ConcordanceCorrelation", "CosineSimilarity"),
    *("F1Score", "FBetaScore", "FalseNegatives", "FalsePositives", "Hinge", "IoU", "KLDivergence"),
    *("LogCoshError", "Mean", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanIoU"),
    *("MeanMetricWrapper", "MeanSquaredError", "MeanSquaredLogarithmicError", "OneHotIoU"),
    *("OneHotMeanIoU", "PearsonCorrelation", "Poisson", "Precision", "PrecisionAtRecall", "R2Score"),
    *("Recall", "RecallAtPrecision", "RootMeanSquaredError", "SensitivityAtSpecificity"),
    *("SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy"),
    *("SpecificityAtSensitivity", "SquaredHinge", "Sum", "TopKCategoricalAccuracy"),
    *("TrueNegatives", "TruePositives"),
)
ACTIVATIONS = frozenset(
    {
        *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu"),
        *("hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish"),
        *("relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign"),
        *("sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink"),
        "threshold",
    }
)
METRIC_FUNCTIONS = frozenset(
    {
        *("acc", "accuracy", "binary_accuracy", "categorical_accuracy", "ce", "concordance_correlation"),
        *("crossentropy", "pearson_correlation", "sparse_categorical_accuracy"),
        *("sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy"),
    }
)
FUNCTIONS = ACTIVATIONS | METRIC_FUNCTIONS | frozenset(LOSSES.values()) | frozenset(LOSS_ALIASES)
FUNCTION_MODULES = frozenset({"builtins", "keras.activations", "keras.losses", "keras.metrics"})
# Markers for plain values that JSON cannot hold.
VALUES = frozenset(
    {
        *("__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"),
        *("__tuple__", "TensorShape"),
    }
)
DTYPES = frozenset(
    {
        *("bool", "string", "bfloat16", "float16", "float32", "float64"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    }
)
# Known and refused on purpose: the reason is worth more to the reader than "not on the list".
REFUSED: dict[str, str] = {
    "Lambda": "It can run any code its author wrote.",
    "TFSMLayer": "It loads and runs another model from disk.",
    "TorchModuleWrapper": "It runs pickled PyTorch code.",
    "JaxLayer": "It runs code of its author's choosing.",
    "FlaxLayer": "It runs code of its author's choosing.",
    "TFOpLambda": "Keras 3 cannot read operations saved by Keras 2.",
    "SlicingOpLambda": "Keras 3 cannot read operations saved by Keras 2.",
    "__lambda__": "It is Python code that would run when the model is loaded.",
    "__typespec__": "It makes Keras import a module named in the file.",
}


def _pairs() -> dict[Pair, ObjectKind]:
    kinds: dict[Pair, ObjectKind] = {pair: "model" for pair in MODELS}
    kinds |= {("keras.layers", name): "layer" for name in LAYERS}
    kinds |= {(module, name): "operation" for module, names in OPERATIONS.items() for name in names}
    for module, names in (
        ("keras.initializers", INITIALIZERS),
        ("keras.regularizers", REGULARIZERS),
        ("keras.constraints", CONSTRAINTS),
        ("keras", DTYPE_POLICIES),
        ("keras.dtype_policies", (*DTYPE_POLICIES, "DTypePolicyMap")),
        ("keras.optimizers", OPTIMIZERS),
        ("keras.optimizers.schedules", SCHEDULES),
        ("keras.losses", tuple(LOSSES)),
        ("keras.metrics", METRICS),
    ):
        kinds |= {(module, name): "object" for name in names}
    return kinds


ALLOWED: dict[Pair, ObjectKind] = _pairs()
# ``.h5`` files name classes without a module; an operation there would be taken for a layer of its name.
ALLOWED_LEGACY: dict[str, ObjectKind] = {
    **{name: kind for (_, name), kind in ALLOWED.items() if kind == "object"},
    **{f"Custom>{name}": "object" for name in OPTIMIZERS},
    **{name: "layer" for name in LAYERS},
    **{name: "model" for _, name in MODELS},
}
