/** The studio as a person uses it: by role and label. Every journey is told in these words. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Download, type Locator, type Page } from '@playwright/test';
import { readFile } from 'node:fs/promises';

export type Station = 'Model' | 'Prompts' | 'Curate' | 'Train' | 'Evaluate' | 'Runs' | 'Export';
export const STATIONS: Station[] = ['Model', 'Prompts', 'Curate', 'Train', 'Evaluate', 'Runs', 'Export'];

export class StudioPage {
  constructor(readonly page: Page) {
    // Anything the browser reports as an error fails the journey.
    page.on('pageerror', (error) => this.errors.push(error.message));
  }
  readonly errors: string[] = [];

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  async open(): Promise<void> {
    await this.page.goto('./');
    await expect(this.page.getByRole('heading', { level: 1, name: 'Model' })).toBeVisible();
  }

  async goTo(station: Station): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Stations' }).getByRole('link', { name: new RegExp(`^${station}`) }).click();
    await expect(this.page.getByRole('heading', { level: 1, name: station })).toBeVisible();
  }

  async choose(label: string, option: string | RegExp): Promise<void> {
    const list = this.page.getByRole('combobox', { name: label });
    // The list of the browser itself is no part of the page: it is chosen from by value.
    const value = await list.getByRole('option', { name: option, exact: true }).getAttribute('value');
    await list.selectOption(value);
  }

  async fill(label: string, value: number): Promise<void> {
    const field = this.page.getByRole('textbox', { name: label, exact: true });
    await field.fill(String(value));
    await field.press('Tab');
  }

  /** Opens real WebGPU on the software adapter, which the studio takes only when asked to. */
  async openWebGpu(): Promise<void> {
    await this.page.getByRole('switch', { name: 'Allow a software adapter' }).click();
    await this.choose('Backend', /WebGPU/);
    await this.button('Reopen engine').click();
    await expect(this.page.getByText('WebGPU, software')).toBeVisible({ timeout: 180_000 });
  }

  async loadDemoModel(): Promise<void> {
    await this.goTo('Model');
    await this.openChooser();
    await this.button(/Load the demo model/).click();
    await expect(this.page.getByText('Fingerprint')).toBeVisible({ timeout: 60_000 });
  }

  /** The list of models kept in this browser. */
  get downloads(): Locator {
    return this.page.getByRole('list', { name: 'Downloaded models' });
  }

  /** Beside a loaded model the ways to another one are folded away. */
  async openChooser(): Promise<void> {
    const summary = this.page.getByRole('heading', { name: 'Choose another model' });
    const form = this.page.getByRole('button', { name: 'Look at it' });
    if ((await summary.isVisible()) && !(await form.isVisible())) await summary.click();
  }

  /** Names a model by Hub id or address, and asks what it would take. */
  async lookAt(address: string): Promise<void> {
    await this.openChooser();
    await this.page.getByRole('textbox', { name: 'Hub id or address' }).fill(address);
    await this.button('Look at it').click();
  }

  async importFile(name: string, content: string): Promise<void> {
    await this.goTo('Prompts');
    const open = this.button('Import…');
    if (await open.isVisible()) await open.click();
    const [chooser] = await Promise.all([this.page.waitForEvent('filechooser'), this.button('Choose files').click()]);
    await chooser.setFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
    await expect(this.page.getByText('Preview of')).toBeVisible();
  }

  /** The bytes of a download that an action starts. */
  async save(action: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
    const [download]: [Download, void] = await Promise.all([this.page.waitForEvent('download', { timeout: 120_000 }), action()]);
    const path = await download.path();
    return { name: download.suggestedFilename(), bytes: await readFile(path) };
  }

  /** Automatic accessibility rules of WCAG 2.2 A and AA, on the page as it is. */
  async checkAccessibility(what: string): Promise<void> {
    const { violations } = await new AxeBuilder({ page: this.page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).slice(0, 3).join(' | ')}`);
    expect(found, `accessibility of ${what}`).toEqual([]);
  }
}
