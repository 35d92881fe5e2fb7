/** React's view of the choice of a model and of the access token: both live outside the store. */
import { useSyncExternalStore } from 'react';
import { getToken, subscribeToken } from '../../actions/hubAccess.ts';
import { getModelChoice, subscribeModelChoice, type ModelChoice } from '../../actions/modelChoice.ts';

export function useModelChoice(): ModelChoice {
  return useSyncExternalStore(subscribeModelChoice, getModelChoice);
}

export function useToken(): string {
  return useSyncExternalStore(subscribeToken, getToken);
}
