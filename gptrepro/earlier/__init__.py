"""What came before GPT and is compared with it: encoder-decoders on word pairs, and Kneser-Ney's counting."""
