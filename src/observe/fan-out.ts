import type { Observer } from './observer.ts';

/** One observer that tells several, in their order. */
export function fanOut(observers: readonly Partial<Observer>[]): Observer {
  return {
    requestFinished(summary) {
      for (const observer of observers) observer.requestFinished?.(summary);
    },
    paymentMoved(move) {
      for (const observer of observers) observer.paymentMoved?.(move);
    },
    facilitatorCalled(call) {
      for (const observer of observers) observer.facilitatorCalled?.(call);
    },
    gasFailed(facilitator, network, gas) {
      for (const observer of observers) observer.gasFailed?.(facilitator, network, gas);
    },
    passNoted(event) {
      for (const observer of observers) observer.passNoted?.(event);
    },
    answerNotKept(event) {
      for (const observer of observers) observer.answerNotKept?.(event);
    },
    answerCharged(event) {
      for (const observer of observers) observer.answerCharged?.(event);
    },
  };
}
