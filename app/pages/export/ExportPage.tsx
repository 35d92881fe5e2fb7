/** Placeholder of the station Export. */
import { PageHeader } from '../../components/PageHeader.tsx';

export function ExportPage() {
  return <PageHeader title="Export" lead="" />;
}
