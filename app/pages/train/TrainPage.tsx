/** Placeholder of the station Train. */
import { PageHeader } from '../../components/PageHeader.tsx';

export function TrainPage() {
  return <PageHeader title="Train" lead="" />;
}
