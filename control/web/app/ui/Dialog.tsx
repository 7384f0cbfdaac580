import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { type ApiProblem } from '../shell/problem';
import { useT } from '../shell/words';
import { Button } from './Button';
import { ProblemPanel } from './Problem';
import styles from './Dialog.module.css';

interface Props {
  open: boolean;
  close: () => void;
  title: string;
  role?: 'dialog' | 'alertdialog';
  children: React.ReactNode;
}

/** Stands above the page; on phones a sheet at its foot. Escape closes it. */
export function Dialog({ open, close, title, role = 'dialog', children }: Props) {
  return (
    <ModalOverlay
      className={styles['overlay'] ?? ''}
      isOpen={open}
      onOpenChange={isOpen => {
        if (!isOpen) close();
      }}
      isDismissable={role === 'dialog'}
    >
      <Modal className={styles['modal'] ?? ''}>
        <AriaDialog role={role} className={styles['dialog'] ?? ''}>
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface AskProps {
  open: boolean;
  close: () => void;
  title: string;
  text: string;
  /** What the button does, named. */
  act: string;
  /** What the other one does, where it is more than to go back. */
  leave?: string;
  onAct: () => void;
  /** main where it destroys nothing. */
  look?: 'danger' | 'main';
  busy: boolean;
  problem?: ApiProblem | undefined;
}

/** Asks before something is destroyed. */
export function AskFirst({
  open,
  close,
  title,
  text,
  act,
  leave,
  onAct,
  look = 'danger',
  busy,
  problem,
}: AskProps) {
  const t = useT();
  return (
    <Dialog open={open} close={close} title={title} role="alertdialog">
      <p>{text}</p>
      {problem && <ProblemPanel problem={problem} />}
      <div className={styles['acts']}>
        <Button onPress={close} autoFocus>
          {leave ?? t('cancel')}
        </Button>
        <Button look={look} writes onPress={onAct} busy={busy}>
          {act}
        </Button>
      </div>
    </Dialog>
  );
}
