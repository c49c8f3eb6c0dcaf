from gptrepro.cli import main

main()
