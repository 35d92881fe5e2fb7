/** Puts the theme on the page: the person's choice, or the system's, followed live. */
import { studio } from './store/studio.ts';

export function followTheme(): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  let shown = '';
  const apply = () => {
    const { theme } = studio.getState().drafts.preferences;
    const next = theme === 'system' ? (system.matches ? 'dark' : 'light') : theme;
    if (next === shown) return;
    shown = next;
    document.documentElement.dataset.theme = next;
  };
  apply();
  system.addEventListener('change', apply);
  studio.subscribe(apply);
}
