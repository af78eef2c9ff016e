mod quote;
