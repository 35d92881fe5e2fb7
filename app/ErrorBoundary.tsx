/** Catches an error of one page, so that navigation, job bar and the other pages live on. */
import { Component } from 'react';
import type { ReactNode } from 'react';
import { Button } from './components/Button.tsx';
import { ErrorNote } from './components/ErrorNote.tsx';

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <ErrorNote title="This page has stopped" actions={<Button onClick={() => this.setState({ error: null })}>Try again</Button>}>
        <p>{error.message}</p>
        <p>Your project is safe: everything you did is saved. The other pages still work.</p>
      </ErrorNote>
    );
  }
}
