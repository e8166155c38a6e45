"""What a trained network makes of whole images: windows, scales, fusion, prediction."""
