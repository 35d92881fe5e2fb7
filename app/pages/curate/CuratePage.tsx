/** The station Curate. */
import { PageHeader } from '../../components/PageHeader.tsx';

export function CuratePage() {
  return <PageHeader title="Curate" lead="" />;
}
