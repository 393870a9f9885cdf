"""What diffusion models share: loading, memory, prompts as embeddings, previews, and the drawing itself."""
