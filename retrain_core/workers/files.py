"""What the measuring worker writes into its folder."""

REPORT = "shift_report.json"  # ShiftReport
MODEL = "model_shift.json"  # ModelShift
IMAGES = "unusual.npy"  # the new images that ``ModelShift.unusual`` names
