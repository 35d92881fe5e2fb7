/** The station Prompts. */
import { PageHeader } from '../../components/PageHeader.tsx';

export function PromptsPage() {
  return <PageHeader title="Prompts" lead="" />;
}
