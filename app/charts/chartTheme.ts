/** Colours and fonts of a chart as the page's CSS gives them. The canvas cannot read custom properties, so they are resolved here. */

export interface ChartTheme {
  /** Resolved colour of a custom property; the text colour if it is not set. */
  color(property: string): string;
  ink: string;
  muted: string;
  grid: string;
  surface: string;
  font: string;
}

/** Reads the theme at an element. Costs a style recalculation: once a theme change, not once a frame. */
export function readChartTheme(host: HTMLElement): ChartTheme {
  const probe = document.createElement('span');
  probe.style.display = 'none';
  host.append(probe);
  const cache = new Map<string, string>();
  // Through `color`, so that var() chains and light-dark() come out as plain colours.
  const resolve = (property: string): string => {
    const known = cache.get(property);
    if (known) return known;
    if (!probe.isConnected) host.append(probe);
    probe.style.color = `var(${property}, currentColor)`;
    const value = getComputedStyle(probe).color;
    probe.remove();
    cache.set(property, value);
    return value;
  };
  const theme: ChartTheme = {
    color: resolve,
    ink: resolve('--chart-ink'),
    muted: resolve('--chart-muted'),
    grid: resolve('--chart-grid'),
    surface: resolve('--chart-surface'),
    font: getComputedStyle(host).fontFamily || 'sans-serif',
  };
  probe.remove();
  return theme;
}

/** Calls back whenever the theme may have changed: the system's colour scheme, or an attribute of the root element. */
export function watchTheme(onChange: () => void): () => void {
  const scheme = window.matchMedia('(prefers-color-scheme: dark)');
  const observer = new MutationObserver(onChange);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['class', 'style', 'data-theme'] });
  scheme.addEventListener('change', onChange);
  return () => {
    observer.disconnect();
    scheme.removeEventListener('change', onChange);
  };
}
