import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Known } from '../shell/Known';
import { asApiProblem } from '../shell/problem';
import { Loading } from '../ui/Loading';
import { ProblemPanel } from '../ui/Problem';
import { ColourForm } from './ColourForm';
import { PictureField } from './PictureField';
import { type Look, type Subject, lookQuery } from './look';
import styles from './look.module.css';

/** Colour, logo and background of the account, or of one event. */
export function LookEditor({ subject, level }: { subject: Subject; level: Part['level'] }) {
  const queries = useQueryClient();
  const query = lookQuery(subject);
  const look = useQuery(query);
  const again = () => void look.refetch();
  const problem = look.isError ? asApiProblem(look.error) : undefined;
  if (!look.data) return problem ? <ProblemPanel problem={problem} again={again} /> : <Loading />;
  const shared = {
    subject,
    level,
    look: look.data,
    keep: (now: Look) => {
      queries.setQueryData(query.queryKey, now);
    },
    /** After somebody else's change: the next try is based on it. */
    read: () => void look.refetch(),
  };
  return (
    <Known at={look.dataUpdatedAt} problem={problem} again={again}>
      <div className={styles['parts']}>
        <ColourForm {...shared} />
        <PictureField {...shared} picture="logo" />
        <PictureField {...shared} picture="background" />
      </div>
    </Known>
  );
}

/** What each part of the editor is given. */
export interface Part {
  subject: Subject;
  /** Of its headings. */
  level: 'h2' | 'h3';
  look: Look;
  keep: (now: Look) => void;
  read: () => void;
}
