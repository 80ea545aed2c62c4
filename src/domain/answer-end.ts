/** How an answer that was going out has come to its end. */
export type AnswerEnd =
  | 'complete'
  | 'upstream_broke'
  | 'client_gone'
  /** It would have outlived the payment: the gateway has ended it while its charge can still be settled. */
  | 'out_of_time';
